import { CreateMultipartUploadCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type FaultAction, type LocalS3, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import { BUCKET, OPERATIONS, prepare, storeAt } from './stores.ts';

// Each transient fault, at each request of each operation: the result must be the same as without the fault.
const IN_PARTS = { partSizeBytes: 3, maxAttempts: 3 };
const QUICK = { silenceTimeoutMs: 150 };

let server: LocalS3;
let client: S3Client;
beforeAll(async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0.02);
  server = await startLocalS3({ buckets: [BUCKET], minPartSizeBytes: 1 });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'testsecret1' };
  client = new S3Client({ endpoint: server.url, region: 'us-east-1', forcePathStyle: true, credentials });
});
beforeEach(async () => {
  server.fault = undefined;
  prepare(server);
  await storeAt(server).abortUploads('');
});
afterAll(async () => {
  jest.restoreAllMocks();
  client.destroy();
  await server.close();
});

const FAULTS: Readonly<Record<string, FaultAction>> = {
  'a 500': { kind: 'error', status: 500, code: 'InternalError' },
  'a bare 500': { kind: 'reply', status: 500 },
  'a SlowDown': { kind: 'error', status: 503, code: 'SlowDown' },
  'a 429': { kind: 'reply', status: 429 },
  'a 409': { kind: 'error', status: 409, code: 'OperationAborted' },
  'a bare 408': { kind: 'reply', status: 408 },
  'a page with status 502': { kind: 'reply', status: 502, body: '<html><br></html>' },
  'a broken connection': { kind: 'reset' },
  'a reply that does not come': { kind: 'delay', ms: 60_000 },
};

/** Broken replies to a request that took effect. */
const BROKEN_REPLIES: Readonly<Record<string, FaultAction>> = {
  'a lost reply': { kind: 'reset', when: 'after' },
  'a lost reply, and a 500 for it': { kind: 'error', status: 500, code: 'InternalError', when: 'after' },
};

/** The result of an operation, and its number of requests, if its n-th request (from 0) fails. */
async function answerOf(name: string, action?: FaultAction, nth = 0): Promise<{ answer: unknown; count: number }> {
  await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'x' }));
  server.clearRequests();
  let seen = 0;
  server.fault = () => {
    seen += 1;
    return seen - 1 === nth ? action : undefined;
  };
  const answer = await OPERATIONS[name]?.(storeAt(server, IN_PARTS, QUICK));
  const count = server.requests.length;
  server.fault = undefined;
  const open = server.uploads(BUCKET).filter(({ key }) => key !== 'x');
  // An upload whose Create was lost has no owner: the next run aborts it.
  expect(open.length).toBeLessThanOrEqual(action !== undefined && 'when' in action ? 1 : 0);
  return { answer: JSON.parse(JSON.stringify(answer ?? null, (key, value) => (key === 'dateMs' ? 0 : value))), count };
}

async function countOf(name: string): Promise<number> {
  const { count } = await answerOf(name);
  prepare(server);
  await storeAt(server).abortUploads('');
  return count;
}

describe.each(Object.keys(OPERATIONS))('%s', (name) => {
  it.each(Object.entries(FAULTS))('survives %s at any of its requests', async (_, action) => {
    const count = await countOf(name);
    const { answer: expected } = await answerOf(name);
    for (let nth = 0; nth < count; nth += 1) {
      prepare(server);
      await storeAt(server).abortUploads('');
      const { answer, count: seen } = await answerOf(name, action, nth);
      expect(withoutTimes(answer)).toEqual(withoutTimes(expected));
      expect(seen).toBeGreaterThan(count);
      // A refused HEAD gives no reason, so a GET follows.
      expect(seen).toBeLessThanOrEqual(count + 2);
    }
  });

  it.each(Object.entries(BROKEN_REPLIES))('survives %s, or finds that its own work took effect', async (_, action) => {
    const count = await countOf(name);
    const { answer: expected } = await answerOf(name);
    for (let nth = 0; nth < count; nth += 1) {
      prepare(server);
      await storeAt(server).abortUploads('');
      const { answer } = await answerOf(name, action, nth);
      expect([withoutTimes(expected), { outcome: 'precondition-failed' }]).toContainEqual(withoutTimes(answer));
    }
  });
});

/** Without timestamps, since `prepare` stores its objects again each time. */
function withoutTimes(answer: unknown): unknown {
  const times = ['lastModifiedMs', 'ageMs'];
  return JSON.parse(JSON.stringify(answer, (key, value) => (times.includes(key) ? undefined : value)));
}
