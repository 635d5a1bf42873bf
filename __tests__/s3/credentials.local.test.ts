import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type LocalS3, type LoggedRequest, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import type { RoleSettings, StoreSettings } from '../../src/s3/settings.ts';
import { useEnvironment } from './environment.ts';
import { assetOf, BUCKET, faultOf, keysIn, prepare, ROLE, ROLE_ARN, storeAt } from './stores.ts';

const NONE: Partial<StoreSettings> = { credentials: undefined };

const setVariables = useEnvironment();
let server: LocalS3;
beforeAll(async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0.02);
  server = await startLocalS3({ buckets: [BUCKET], now: () => Date.now() });
});
beforeEach(() => {
  prepare(server);
  server.clearRequests();
  setVariables({ AWS_ENDPOINT_URL_STS: server.url });
});
afterEach(() => {
  server.fault = undefined;
});
afterAll(async () => {
  jest.restoreAllMocks();
  await server.close();
});

function requestsOf(operation: LoggedRequest['operation'], at = server): LoggedRequest[] {
  return at.requests.filter((request) => request.operation === operation);
}

/** A listing and a HEAD. */
async function useBoth(settings: Partial<StoreSettings>, at = server): Promise<void> {
  const store = storeAt(at, settings);
  expect(await keysIn(store)).toEqual(['doc', 'source']);
  expect(await store.head('doc')).toBeDefined();
}

describe('keys', () => {
  it('given as inputs sign every request', async () => {
    await useBoth({});
    expect(server.requests.map(({ accessKeyId }) => accessKeyId)).toEqual(['test', 'test']);
    expect(server.requests.some(({ headers }) => 'x-amz-security-token' in headers)).toBe(false);
  });

  it('given with a session token sign the token too', async () => {
    const credentials = server.issueCredentials();
    await useBoth({ credentials });
    for (const { headers } of server.requests) expect(headers['x-amz-security-token']).toBe(credentials.sessionToken);
  });

  it('in the environment are found', async () => {
    const { accessKeyId, secretAccessKey, sessionToken } = server.issueCredentials();
    setVariables({
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    });
    await useBoth(NONE);
    expect(server.requests.map((request) => request.accessKeyId)).toEqual([accessKeyId, accessKeyId]);
  });

  it('in the environment that have expired are reported at once', async () => {
    const { accessKeyId, secretAccessKey, sessionToken } = server.issueCredentials(-1);
    setVariables({
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    });
    const store = storeAt(server, { ...NONE, maxAttempts: 25 });
    for (const ask of [() => keysIn(store), () => store.head('doc'), () => store.putAsset(assetOf('a', 'a'))]) {
      const fault = await faultOf(ask());
      expect(fault.kind).toBe('credentials');
      expect(fault.message).toContain('the session token has expired: get new credentials in a step before this one');
    }
    expect(server.requests.map(({ operation }) => operation)).toEqual([
      'ListObjectsV2',
      'HeadObject',
      // HEAD is sent again without checksums, since its refusal gives no reason.
      'HeadObject',
      'GetObject',
      'PutObject',
    ]);
  });

  it('in a profile are found', async () => {
    const directory = await mkdtemp(join(tmpdir(), 's3-asset-manager-profile-'));
    const file = join(directory, 'credentials');
    await writeFile(file, '[ci]\naws_access_key_id = test\naws_secret_access_key = testsecret1\n');
    setVariables({ AWS_PROFILE: 'ci', AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: join(directory, 'none') });
    await useBoth(NONE);
    await rm(directory, { recursive: true });
  });

  it('given as inputs take precedence over those in the environment', async () => {
    setVariables({ AWS_ACCESS_KEY_ID: 'other', AWS_SECRET_ACCESS_KEY: 'other' });
    await useBoth({});
  });

  it('that are missing are reported at once, in one line, without a request', async () => {
    const startedMs = performance.now();
    const store = storeAt(server, { ...NONE, maxAttempts: 10 });
    for (const work of [keysIn(store), store.head('doc'), store.putAsset(assetOf('a', 'a'))]) {
      const fault = await faultOf(work);
      expect(fault.kind).toBe('credentials');
      expect(fault.message).toMatch(
        /^There are no AWS credentials: set aws-access-key-id and aws-secret-access-key, or/,
      );
    }
    expect(performance.now() - startedMs).toBeLessThan(3000);
    expect(server.requests).toEqual([]);
  });
});

describe('a role', () => {
  it('is assumed with the given keys and the given settings', async () => {
    await useBoth({ role: { ...ROLE, externalId: 'id-1' } });
    const [assumption] = requestsOf('AssumeRole');
    expect(assumption).toMatchObject({ accessKeyId: 'test', status: 200 });
    expect(assumption?.parameters).toMatchObject({
      RoleArn: ROLE_ARN,
      RoleSessionName: 'session-1',
      DurationSeconds: '900',
      ExternalId: 'id-1',
    });
    const keys = [...requestsOf('ListObjectsV2'), ...requestsOf('HeadObject')].map(({ accessKeyId }) => accessKeyId);
    expect(keys).toEqual([expect.stringMatching(/^ASIA/), keys[0]]);
  });

  it('is assumed without an external id if none was given', async () => {
    await useBoth({ role: ROLE });
    expect(requestsOf('AssumeRole')[0]?.parameters).not.toHaveProperty('ExternalId');
  });

  it('is assumed with keys in the environment', async () => {
    setVariables({ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testsecret1' });
    await useBoth({ ...NONE, role: ROLE });
    expect(requestsOf('AssumeRole').map(({ accessKeyId }) => accessKeyId)).toEqual(['test']);
  });

  it('is assumed once, however many requests wait for it', async () => {
    const store = storeAt(server, { role: ROLE });
    const puts = Array.from({ length: 10 }, (_, index) => store.putAsset(assetOf(`put/${index}`, 'x')));
    await Promise.all([...puts, keysIn(store), store.readDocument('doc'), store.head('doc')]);
    expect(requestsOf('AssumeRole')).toHaveLength(1);
  });

  it('is requested at AWS_ENDPOINT_URL if there is no endpoint for STS', async () => {
    setVariables({ AWS_ENDPOINT_URL_STS: '', AWS_ENDPOINT_URL: server.url });
    await useBoth({ role: ROLE });
    expect(requestsOf('AssumeRole')).toHaveLength(1);
  });

  it('is assumed again shortly before it expires, once for all waiting requests', async () => {
    const store = storeAt(server, { role: ROLE });
    await Promise.all([keysIn(store), store.head('doc')]);
    const now = Date.now;
    // 240 of 900 seconds are left.
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + 660_000);
    await Promise.all([keysIn(store), store.head('doc'), store.head('source')]);
    await Promise.all([keysIn(store), store.head('doc')]);
    clock.mockRestore();
    expect(requestsOf('AssumeRole')).toHaveLength(2);
    const keys = server.requests.filter(({ parameters }) => !parameters.Action).map(({ accessKeyId }) => accessKeyId);
    expect(keys.slice(0, 2)).toEqual([keys[0], keys[0]]);
    expect(new Set(keys.slice(2))).toEqual(new Set([keys[2]]));
    expect(keys[2]).not.toBe(keys[0]);
  });

  it("is used until it expires if it can't be assumed again", async () => {
    const store = storeAt(server, { role: ROLE });
    await keysIn(store);
    server.fault = ({ operation }) =>
      operation === 'AssumeRole' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined;
    const now = Date.now;
    // 240 of 900 seconds are left, then none.
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + 660_000);
    for (let round = 0; round < 3; round += 1) await keysIn(store);
    expect(requestsOf('AssumeRole')).toHaveLength(2);
    clock.mockImplementation(() => now() + 901_000);
    expect((await faultOf(keysIn(store))).message).toContain("can't be assumed (AccessDenied: ");
    clock.mockRestore();
  });

  it('is assumed again if the server says that it has expired, once for all requests in flight', async () => {
    const store = storeAt(server, { role: ROLE });
    await keysIn(store);
    const [{ accessKeyId: old } = {}] = server.requests.filter(({ parameters }) => !parameters.Action);
    server.fault = ({ accessKeyId }) =>
      accessKeyId === old ? { kind: 'error', status: 400, code: 'ExpiredToken' } : undefined;
    await Promise.all([
      keysIn(store),
      store.putAsset(assetOf('put', 'x')),
      store.head('doc'),
      store.readDocument('doc'),
    ]);
    server.fault = undefined;
    expect(requestsOf('AssumeRole')).toHaveLength(2);
  });

  it("is assumed if the server's clock differs", async () => {
    await using skewed = await startLocalS3({ buckets: [BUCKET], now: () => Date.now() + 3600_000 });
    prepare(skewed);
    setVariables({ AWS_ENDPOINT_URL_STS: skewed.url });
    await useBoth({ role: ROLE }, skewed);
    expect(requestsOf('AssumeRole', skewed).map(({ status }) => status)).toEqual([403, 200]);
  });

  it.each<[what: string, role: Partial<RoleSettings>, why: string]>([
    ['must not be assumed', { arn: 'arn:aws:iam::123456789012:role/other' }, 'AccessDenied: User: '],
    ['requires another external id', { externalId: 'wrong' }, 'AccessDenied: User: '],
    ["can't last that long", { durationSeconds: 7200, externalId: 'right' }, 'ValidationError: The requested Dura'],
  ])('that %s is reported as such', async (_, wrong, why) => {
    await using strict = await startLocalS3({
      buckets: [BUCKET],
      roles: [{ arn: ROLE_ARN, externalId: 'right', maxDurationSeconds: 3600 }],
    });
    setVariables({ AWS_ENDPOINT_URL_STS: strict.url });
    const role = { ...ROLE, ...wrong };
    const store = storeAt(strict, { role, maxAttempts: 10 });
    for (const work of [keysIn(store), store.head('doc')]) {
      const fault = await faultOf(work);
      expect(fault.kind).toBe('credentials');
      expect(fault.message).toContain(`The role ${role.arn} can't be assumed (${why}`);
      expect(fault.message).toMatch(/: check role-to-assume and the role's trust policy$/);
    }
    expect(requestsOf('AssumeRole', strict)).toHaveLength(2);
  });

  it('is not assumed without keys', async () => {
    const fault = await faultOf(keysIn(storeAt(server, { ...NONE, role: ROLE })));
    expect(fault.kind).toBe('credentials');
    expect(fault.message).toContain(`neither credentials nor an OIDC token to assume the role ${ROLE_ARN} with: `);
    expect(fault.message).toContain("the permission 'id-token: write'");
    expect(server.requests).toEqual([]);
  });

  it('is not assumed with wrong keys', async () => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'wrong', sessionToken: undefined };
    const fault = await faultOf(keysIn(storeAt(server, { credentials, role: ROLE })));
    expect(fault.message).toContain("can't be assumed (SignatureDoesNotMatch: ");
  });

  it("reports that STS can't be reached", async () => {
    setVariables({ AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1' });
    const startedMs = performance.now();
    const fault = await faultOf(keysIn(storeAt(server, { role: ROLE, maxAttempts: 10 })));
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toContain(`The role ${ROLE_ARN} can't be assumed, since STS can't be reached (`);
    expect(fault.message).toMatch(/ECONNREFUSED.*: check the network, the proxy and AWS_ENDPOINT_URL_STS$/);
  });

  it('that could not be assumed is tried again next time', async () => {
    const store = storeAt(server, { role: ROLE });
    server.fault = ({ operation }) =>
      operation === 'AssumeRole' ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined;
    await faultOf(keysIn(store));
    server.fault = undefined;
    expect(await keysIn(store)).toEqual(['doc', 'source']);
  });
});
