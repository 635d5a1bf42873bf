import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Content, type Fault, type FaultAction, type LoggedRequest } from '../../dev/local-s3/local-s3.ts';
import type { ActionResult } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

// The built action with stores that support less than S3: the local server imitates their reported behaviour.

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

const LARGE = Buffer.alloc(6 * 1024 ** 2, 'large');
const INPUTS = { 'code-hash-filter': 'src/**', 'part-size-mib': '5' };
const UNGUARDED = expect.stringContaining('ignores conditional writes (');

interface OtherStore {
  readonly answer: Fault;
  /** The warnings of the upload. */
  readonly warnings?: readonly unknown[];
}

const isWrite = ({ method }: LoggedRequest): boolean => method === 'PUT' || method === 'POST';
const isConditional = ({ headers }: LoggedRequest): boolean => 'if-none-match' in headers || 'if-match' in headers;

function refusal(status: number, code: string, message: string): FaultAction {
  return { kind: 'error', status, code, message };
}

/** The XML of replies without an element. */
function without(element: string): FaultAction {
  const pattern = new RegExp(`<${element}>[^<]*</${element}>`, 'g');
  const rewrite = (body: Content) => Content.from(body.text().replace(pattern, ''));
  return { kind: 'rewrite', rewrite: (reply) => ({ ...reply, headers: {}, body: rewrite(reply.body) }) };
}

const STORES: Readonly<Record<string, OtherStore>> = {
  'Backblaze B2, which refuses checksum headers': {
    answer: ({ headers }) => {
      const name = Object.keys(headers).find((header) => header.startsWith('x-amz-checksum-'));
      if (name === undefined) return undefined;
      return refusal(400, 'InvalidArgument', `Unsupported header '${name}' received for this API call.`);
    },
  },
  'Cloudflare R2, as it was, which has no SHA-256 of multipart uploads': {
    answer: ({ headers }) =>
      'x-amz-checksum-algorithm' in headers
        ? refusal(501, 'NotImplemented', "Header 'x-amz-checksum-algorithm' with value 'SHA256' not implemented")
        : undefined,
  },
  'Qumulo, which refuses the query x-id': {
    answer: ({ query }) => ('x-id' in query ? refusal(400, 'InvalidArgument', 'x-id') : undefined),
  },
  'Alibaba OSS, which has no conditional writes': {
    answer: (request) =>
      isWrite(request) && isConditional(request)
        ? refusal(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented')
        : undefined,
    warnings: [UNGUARDED],
  },
  'a store that refuses conditional writes as invalid': {
    answer: (request) =>
      isWrite(request) && isConditional(request) ? refusal(400, 'InvalidArgument', 'If-None-Match') : undefined,
    warnings: [UNGUARDED],
  },
  'a store that refuses both as invalid': {
    answer: (request) =>
      isWrite(request) && Object.keys(request.headers).some((name) => /^if-|^x-amz-checksum-/.test(name))
        ? refusal(400, 'InvalidRequest', 'header')
        : undefined,
    warnings: [UNGUARDED],
  },
  'OpenStack Swift, which does not count what it lists': {
    answer: ({ operation }) => (operation === 'ListObjectsV2' ? without('KeyCount') : undefined),
  },
};

function annotations({ lines }: ActionResult): string[] {
  return lines.filter((line) => line.startsWith('::error') || line.startsWith('::warning'));
}

describe.each(Object.entries(STORES))('with %s', (_, { answer, warnings = [] }) => {
  beforeEach(() => {
    scenario.bucket.server.fault = answer;
  });

  it('sets are missed, stored, found, promoted and restored', async () => {
    const missed = await scenario.action('check', INPUTS);
    expect([missed.outputs.found, annotations(missed)]).toEqual(['false', []]);
    await scenario.build({ 'app.zip': 'app', 'large.zip': LARGE });
    const stored = await scenario.action('upload', INPUTS);
    expect([stored.outputs.uploaded, stored.outputs.cached, annotations(stored)]).toEqual(['true', 'true', warnings]);
    await scenario.commit();
    await scenario.freshPackages();
    const found = await scenario.action('check', { ...INPUTS, restore: 'true' });
    expect([found.outputs.source, found.outputs.restored, annotations(found)]).toEqual(['cache', 'true', []]);
    expect(await readFile(join(scenario.packages, 'app.zip'), 'utf8')).toBe('app');
    expect(LARGE.equals(await readFile(join(scenario.packages, 'large.zip')))).toBe(true);
  });

  it('a set of the Python tool is found', async () => {
    scenario.bucket.server.put(scenario.bucket.name, `artifacts/${scenario.head}/app.zip`, 'app');
    const { outputs, lines } = await scenario.action('check');
    expect([outputs.found, outputs.reason, lines.filter((line) => line.startsWith('::error'))]).toEqual([
      'true',
      'legacy',
      [],
    ]);
  });
});

it.each<[what: string, code: string, message: RegExp]>([
  ['a wrong checksum', 'BadDigest', /answered 412 \(BadDigest: /],
  ['a missing object', 'PreconditionFailed', /as if it were there \(412\), but has no such object: check endpoint-url/],
])('a multipart upload that ends with 412 because of %s is reported as such', async (_, code, message) => {
  scenario.bucket.server.fault = ({ operation }) =>
    operation === 'CompleteMultipartUpload' ? { kind: 'error', status: 412, code } : undefined;
  await scenario.build({ 'large.zip': LARGE });
  const { exitCode, lines } = await scenario.action('upload', INPUTS);
  expect([exitCode, lines.filter((line) => line.startsWith('::error'))]).toEqual([1, [expect.stringMatching(message)]]);
  expect(scenario.bucket.server.uploads(scenario.bucket.name)).toEqual([]);
});
