import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type FaultAction, type LocalS3, startLocalS3 } from '../../../dev/local-s3/local-s3.ts';
import { scratch } from '../../../src/adapters/scratch.ts';
import { areSameBytes } from '../../../src/core/bytes.ts';
import { UserError } from '../../../src/errors.ts';
import type { Bytes } from '../../../src/ports.ts';
import { useEnvironment } from './environment.ts';
import { ABSENT, BUCKET, faultOf, storeAt } from './stores.ts';

// Documents that are too long for memory are read into a file, and written from one.

const BODY = Buffer.from(Array.from({ length: 300_000 }, (_, index) => `${index}\n`).join(''));

const setEnvironment = useEnvironment();
let server: LocalS3;
let body: Bytes;
beforeAll(async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0.02);
  server = await startLocalS3({ buckets: [BUCKET] });
  const file = await scratch();
  file.append(BODY);
  body = file;
});
beforeEach(() => {
  server.fault = undefined;
  server.delete(BUCKET, 'doc');
  server.clearRequests();
});
afterAll(async () => {
  jest.restoreAllMocks();
  await server.close();
});

function failOnce(action: FaultAction): void {
  server.fault = () => {
    server.fault = undefined;
    return action;
  };
}

const stored = () => server.get(BUCKET, 'doc')?.content.bytes();

describe('a large document', () => {
  it.each<[string, FaultAction | undefined]>([
    ['at once', undefined],
    ['after an internal error', { kind: 'error', status: 500, code: 'InternalError' }],
    ['after a broken connection', { kind: 'reset' }],
    ['after a lost reply', { kind: 'reset', when: 'after' }],
  ])('is written whole %s', async (_, action) => {
    if (action !== undefined) failOnce(action);
    const { outcome } = await storeAt(server).writeDocument('doc', body, { kind: 'unchanged', etag: '"none"' });
    expect(outcome).toBe('missing');
    if (action !== undefined) failOnce(action);
    await storeAt(server).writeDocument('doc', body, ABSENT);
    expect(stored()?.equals(BODY)).toBe(true);
  });

  it.each<[string, FaultAction | undefined]>([
    ['at once', undefined],
    ['after a reply that broke off', { kind: 'truncate', afterBytes: 1_500_000 }],
    ['after an internal error', { kind: 'error', status: 500, code: 'InternalError' }],
  ])('is read whole %s', async (_, action) => {
    server.put(BUCKET, 'doc', BODY);
    if (action !== undefined) failOnce(action);
    const document = await storeAt(server).readDocument('doc');
    expect(document?.body).not.toBeInstanceOf(Buffer);
    expect(document !== undefined && areSameBytes(document.body, BODY)).toBe(true);
  });

  it.each<[string, FaultAction]>([
    ['breaks off', { kind: 'truncate', afterBytes: 1_500_000 }],
    ['stalls', { kind: 'stall', afterBytes: 1_500_000 }],
  ])('is a fault where the reply %s again and again', async (_, action) => {
    server.put(BUCKET, 'doc', BODY);
    server.fault = () => action;
    const store = storeAt(server, {}, { silenceTimeoutMs: 200 });
    expect(await faultOf(store.readDocument('doc'))).toMatchObject({ kind: 'unreachable' });
  });

  it('is neither read nor missing where there is no place for it', async () => {
    server.put(BUCKET, 'doc', BODY);
    setEnvironment({ RUNNER_TEMP: '/not-there' });
    const read = storeAt(server).readDocument('doc');
    await expect(read).rejects.toThrow(UserError);
    await expect(read).rejects.toThrow("can't be kept in /not-there (ENOENT)");
  });
});

describe('bytes that are too many for memory', () => {
  it.each([
    ['the same', BODY, true],
    ['of another length', BODY.subarray(1), false],
    ['of another last byte', Buffer.concat([BODY.subarray(0, -1), Buffer.from('x')]), false],
  ])('are compared with what is %s', (_, other, areSame) => {
    expect(areSameBytes(body, other)).toBe(areSame);
    expect(areSameBytes(other, body)).toBe(areSame);
  });
});
