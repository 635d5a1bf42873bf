import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LoggedRequest } from '../../dev/local-s3/local-s3.ts';
import { TlsFront } from '../../dev/local-s3/tls-front.ts';
import type { ActionResult } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

// The built action with a store that uses TLS, as AWS does.

const MIB = 1024 ** 2;
const LARGE = Buffer.alloc(18 * MIB, 'large');

let scenario: Scenario;
let front: TlsFront;
beforeEach(async () => {
  scenario = await Scenario.create();
  front = await TlsFront.start(scenario.bucket.server.port, ['DNS:localhost', 'IP:127.0.0.1']);
  await scenario.build({ large: LARGE, small: 'small' });
});
afterEach(async () => {
  await front[Symbol.asyncDispose]();
  await scenario.close();
});

function act(mode: string): Promise<ActionResult> {
  const store = { 'endpoint-url': `https://localhost:${front.port}` };
  return scenario.action(mode, store, { env: { NODE_EXTRA_CA_CERTS: front.certificate } });
}

function parts(): LoggedRequest[] {
  return scenario.bucket.server.requests.filter(({ operation }) => operation === 'UploadPart');
}

const isUnsigned = ({ headers }: Pick<LoggedRequest, 'headers'>) =>
  headers['x-amz-content-sha256'] === 'UNSIGNED-PAYLOAD';

describe('over TLS', () => {
  it('parts are verified by their CRC instead of a signature, and are restored unchanged', async () => {
    expect(await act('upload')).toMatchObject({ exitCode: 0, stderr: '', outputs: { uploaded: 'true' } });
    expect(parts().map(isUnsigned)).toEqual([true, true, true]);
    const { server, name } = scenario.bucket;
    const stored = server.get(name, `artifacts/${scenario.head}/large`);
    expect(stored?.content.bytes().equals(LARGE)).toBe(true);
    expect(stored?.parts?.map(({ checksum }) => checksum?.algorithm)).toEqual(['CRC32', 'CRC32', 'CRC32']);
    await scenario.freshPackages();
    expect(await act('restore')).toMatchObject({ exitCode: 0, stderr: '', outputs: { restored: 'true' } });
    expect((await readFile(join(scenario.packages, 'large'))).equals(LARGE)).toBe(true);
  });

  it('parts are signed with their checksum if the bucket requires that', async () => {
    const { server } = scenario.bucket;
    server.fault = (request) =>
      isUnsigned(request) ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined;
    expect(await act('upload')).toMatchObject({ exitCode: 0, stderr: '', outputs: { uploaded: 'true' } });
    const taken = parts().filter(({ status }) => status === 200);
    expect(taken.map(({ headers }) => [isUnsigned({ headers }), 'x-amz-checksum-crc32' in headers])).toEqual(
      Array(3).fill([false, true]),
    );
  });

  it('a denied write is reported as such', async () => {
    const { server } = scenario.bucket;
    server.fault = ({ operation }) =>
      operation === 'UploadPart' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined;
    const { exitCode, lines } = await act('upload');
    expect(exitCode).toBe(1);
    expect(lines).toContainEqual(expect.stringMatching(/^::error::.*s3:PutObject/));
  });
});
