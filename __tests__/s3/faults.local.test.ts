import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type FaultAction, type IamAction, type LocalS3, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import type { StoreFaultKind } from '../../src/errors.ts';
import type { StoreSettings } from '../../src/s3/settings.ts';
import { BUCKET, faultOf, OPERATIONS, prepare, storeAt } from './stores.ts';

let server: LocalS3;
let host: string;
beforeAll(async () => {
  // Makes the random waits between attempts short.
  jest.spyOn(Math, 'random').mockReturnValue(0.02);
  server = await startLocalS3({ buckets: [BUCKET, { name: 'abroad', region: 'eu-west-1' }], minPartSizeBytes: 1 });
  host = new URL(server.url).host;
});
beforeEach(() => {
  server.fault = undefined;
  server.deny = undefined;
  prepare(server);
  server.clearRequests();
});
afterAll(async () => {
  jest.restoreAllMocks();
  await server.close();
});

const HTML = '<html><head><meta charset="utf-8"></head><body>Sign in<br></body></html>';
const PAGE = { kind: 'reply', body: HTML, headers: { 'content-type': 'text/html' } } as const;

function document(status: number, code: string, more = ''): Extract<FaultAction, { kind: 'reply' }> {
  const body = `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>In its words</Message>${more}</Error>`;
  return { kind: 'reply', status, body, headers: { 'content-type': 'application/xml' } };
}

/** Answers, and how every operation must report them. */
const ANSWERS: Readonly<Record<string, { answer: FaultAction; kind: StoreFaultKind; message: string | RegExp }>> = {
  'a page of somebody else': {
    answer: { ...PAGE, status: 200 },
    kind: 'malformed-reply',
    message:
      /answered (without .+, so it is|200 with something that is) not an S3 reply: check endpoint-url and any proxy/,
  },
  'a 404 of somebody else': {
    answer: { ...PAGE, status: 404 },
    kind: 'malformed-reply',
    message: /answered 404 with something that is not an S3 reply: check endpoint-url and any proxy in between$/,
  },
  'a 403 of somebody else': {
    answer: { ...PAGE, status: 403 },
    kind: 'malformed-reply',
    message: 'answered 403 with something that is not an S3 reply',
  },
  'a redirect of somebody else': {
    answer: { ...PAGE, status: 301, headers: { location: 'https://example.com/' } },
    kind: 'malformed-reply',
    message: 'answered 301 with something that is not an S3 reply',
  },
  'a bare 403': {
    answer: { kind: 'reply', status: 403 },
    kind: 'access-denied',
    message: /access denied \(.+\): allow s3:/,
  },
  'a bare 404': { answer: { kind: 'reply', status: 404 }, kind: 'rejected', message: 'answered 404 (' },
  'no such bucket': {
    answer: document(404, 'NoSuchBucket'),
    kind: 'no-such-bucket',
    message: /the bucket 'bucket' does not exist at 127.0.0.1:\d+: check bucket and endpoint-url$/,
  },
  'no path style': {
    answer: document(403, 'SecondLevelDomainForbidden'),
    kind: 'rejected',
    message: /not in the path \(SecondLevelDomainForbidden\): set force-path-style to 'false'$/,
  },
  'another region, in a header': {
    answer: { ...document(301, 'PermanentRedirect'), headers: { 'x-amz-bucket-region': 'eu-west-1' } },
    kind: 'wrong-region',
    message: /the bucket 'bucket' is in the region eu-west-1: set aws-region to it$/,
  },
  'another region, in a document': {
    answer: document(400, 'AuthorizationHeaderMalformed', '<Region>eu-west-1</Region>'),
    kind: 'wrong-region',
    message: /the bucket 'bucket' is in the region eu-west-1: set aws-region to it$/,
  },
  'another region, unnamed': {
    answer: document(301, 'PermanentRedirect'),
    kind: 'wrong-region',
    message: /the bucket 'bucket' is in another region: check aws-region$/,
  },
  'a credential that is no credential': {
    answer: document(400, 'AuthorizationHeaderMalformed'),
    kind: 'credentials',
    message: 'the signature is malformed (In its words): check aws-access-key-id',
  },
  'an expired token': {
    answer: document(400, 'ExpiredToken'),
    kind: 'credentials',
    message: 'the session token has expired: get new credentials',
  },
  'an invalid token': {
    answer: document(400, 'InvalidToken'),
    kind: 'credentials',
    message: 'the session token is not valid: check aws-session-token',
  },
  'an unknown key': {
    answer: document(403, 'InvalidAccessKeyId'),
    kind: 'credentials',
    message: 'the access key is not known there: check aws-access-key-id and endpoint-url',
  },
  'an unknown key, by versitygw': {
    answer: document(404, 'XAdminUserNotFound'),
    kind: 'credentials',
    message: 'the access key is not known there: check aws-access-key-id and endpoint-url',
  },
  'a wrong secret': {
    answer: document(403, 'SignatureDoesNotMatch'),
    kind: 'credentials',
    message: 'the signature does not match: check aws-secret-access-key',
  },
  'access denied': {
    answer: document(403, 'AccessDenied'),
    kind: 'access-denied',
    message: 'access denied (AccessDenied: In its words): allow s3:',
  },
  'too many requests': {
    answer: document(429, 'TooManyRequests'),
    kind: 'throttled',
    message: /is overloaded \(.+, after every attempt\): re-run later, or lower concurrency$/,
  },
  'slow down': { answer: document(503, 'SlowDown'), kind: 'throttled', message: 'is overloaded (' },
  'an internal error': { answer: document(500, 'InternalError'), kind: 'rejected', message: 'answered 500 (' },
  'no answer': {
    answer: { kind: 'reset' },
    kind: 'unreachable',
    message: /can't be reached \(read ECONNRESET\): check endpoint-url, the network and the proxy$/,
  },
};

describe.each(Object.entries(ANSWERS))('%s', (_, { answer, kind, message }) => {
  it.each(Object.entries(OPERATIONS))('is reported by %s', async (_operation, operate) => {
    server.fault = () => answer;
    const fault = await faultOf(operate(storeAt(server, { maxAttempts: 1, partSizeBytes: 3 })));
    expect(fault.kind).toBe(kind);
    expect(fault.message).toMatch(message);
    expect(fault.message).toMatch(/^Could not [a-z ]+ s3:\/\/bucket\/[a-z-]*: /);
    expect(fault.message).toContain(kind === 'malformed-reply' ? host : '');
  });
});

it.each(Object.entries(OPERATIONS))('a 502 from a proxy is reported by %s', async (name, operate) => {
  server.fault = () => ({ ...PAGE, status: 502 });
  const fault = await faultOf(operate(storeAt(server, { maxAttempts: 1 })));
  // The reply to a HEAD contains no page that would give it away.
  expect(fault.kind).toBe(name === 'head' ? 'rejected' : 'malformed-reply');
  expect(fault.message).toContain(`${host} answered 502`);
});

describe('an empty 200', () => {
  it.each(Object.entries(OPERATIONS))('is not a success of %s', async (_, operate) => {
    server.fault = () => ({ kind: 'reply', status: 200 });
    const fault = await faultOf(operate(storeAt(server, { maxAttempts: 1 })));
    // An empty reply to a copy counts as one that broke off.
    expect(fault.message).toMatch(
      /answered (without .+, so it is not an S3 reply: |503 \(InternalError: S3 aborted request)/,
    );
  });
});

describe('a document', () => {
  it.each([
    ['ETag', 'an ETag'],
    ['Last-Modified', 'Last-Modified'],
  ])('without %s is an error', async (header, missing) => {
    server.fault = () => ({
      kind: 'rewrite',
      rewrite: (reply) => ({
        ...reply,
        headers: Object.fromEntries(
          Object.entries(reply.headers).filter(([name]) => name.toLowerCase() !== header.toLowerCase()),
        ),
      }),
    });
    const fault = await faultOf(storeAt(server).readDocument('doc'));
    expect(fault).toMatchObject({ kind: 'malformed-reply' });
    expect(fault.message).toContain(`answered without ${missing}, so it is not an S3 reply`);
  });

  it.each(['', 'yesterday'])('of the date %j is an error', async (date) => {
    server.fault = () => ({ kind: 'rewrite', rewrite: (reply) => ({ ...reply, headers: { ...reply.headers, date } }) });
    expect((await faultOf(storeAt(server).readDocument('doc'))).message).toContain('answered without a Date');
  });
});

describe('a denied permission', () => {
  const NEEDED: Readonly<Record<keyof typeof OPERATIONS, readonly [action: IamAction, message: string]>> = {
    readDocument: ['s3:GetObject', 's3:GetObject on arn:aws:s3:::bucket/doc (without s3:ListBucket, S3 denies what'],
    writeDocument: ['s3:PutObject', 's3:PutObject on arn:aws:s3:::bucket/new-doc'],
    list: ['s3:ListBucket', 's3:ListBucket on arn:aws:s3:::bucket'],
    head: ['s3:GetObject', 's3:GetObject on arn:aws:s3:::bucket/source (without s3:ListBucket, S3 denies what'],
    putAsset: ['s3:PutObject', 's3:PutObject on arn:aws:s3:::bucket/put'],
    putAssetInParts: ['s3:PutObject', 's3:PutObject on arn:aws:s3:::bucket/parts'],
    copyAsset: [
      's3:GetObject',
      's3:GetObject on arn:aws:s3:::bucket/source and s3:PutObject on arn:aws:s3:::bucket/copy',
    ],
    readAsset: ['s3:GetObject', 's3:GetObject on arn:aws:s3:::bucket/source (without s3:ListBucket, S3 denies what'],
    abortUploads: ['s3:ListBucketMultipartUploads', 's3:ListBucketMultipartUploads on arn:aws:s3:::bucket'],
  };

  it.each(Object.entries(NEEDED))('to %s is named', async (name, [action, needed]) => {
    server.deny = (access) => access.action === action;
    const fault = await faultOf(OPERATIONS[name]?.(storeAt(server)) ?? Promise.resolve());
    expect(fault.kind).toBe('access-denied');
    expect(fault.message).toContain(`: allow ${needed}`);
    expect(fault.message).toContain('(AccessDenied: User: arn:aws:iam::123456789012:user/test is not authorized to');
  });

  it("is not taken for a missing object if the bucket can't be listed", async () => {
    server.deny = ({ action }) => action === 's3:ListBucket';
    const store = storeAt(server);
    expect((await faultOf(store.readDocument('none'))).message).toContain('without s3:ListBucket, S3 denies');
    expect((await faultOf(store.head('none'))).message).toContain('without s3:ListBucket, S3 denies');
  });

  it('is named if it is for tags or an ACL', async () => {
    server.deny = ({ action }) => action === 's3:PutObjectAcl';
    const fault = await faultOf(OPERATIONS.putAsset?.(storeAt(server, { acl: 'private' })) ?? Promise.resolve());
    expect(fault.message).toContain('is not authorized to perform: s3:PutObjectAcl');
  });
});

describe('the local server', () => {
  it.each(Object.entries(OPERATIONS))('makes %s report a bucket that does not exist', async (_, operate) => {
    expect((await faultOf(operate(storeAt(server, { bucket: 'elsewhere' })))).kind).toBe('no-such-bucket');
  });

  it.each(Object.entries(OPERATIONS))('makes %s report a bucket in another region', async (_, operate) => {
    const fault = await faultOf(operate(storeAt(server, { bucket: 'abroad' })));
    expect(fault.kind).toBe('wrong-region');
    expect(fault.message).toContain('eu-west-1');
  });

  it.each(Object.entries(OPERATIONS))("makes %s report the server's own region", async (_, operate) => {
    const fault = await faultOf(operate(storeAt(server, { region: 'mars-north-1' })));
    expect(fault.message).toContain("the bucket 'bucket' is in the region us-east-1: set aws-region to it");
  });

  it.each<[what: string, credentials: Partial<NonNullable<StoreSettings['credentials']>>, message: string]>([
    ['an unknown key', { accessKeyId: 'nobody' }, 'the access key is not known there'],
    ['a wrong secret', { secretAccessKey: 'wrong' }, 'the signature does not match'],
    ['an invalid token', { sessionToken: 'none' }, 'the session token is not valid'],
  ])('makes every operation report %s', async (_, wrong, message) => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'testsecret1', sessionToken: undefined, ...wrong };
    for (const operate of Object.values(OPERATIONS)) {
      const fault = await faultOf(operate(storeAt(server, { credentials })));
      expect(fault.kind).toBe('credentials');
      expect(fault.message).toContain(message);
    }
  });

  it('makes every operation report an expired token', async () => {
    const expired = server.issueCredentials(-1);
    for (const operate of Object.values(OPERATIONS)) {
      const fault = await faultOf(operate(storeAt(server, { credentials: expired })));
      expect(fault).toMatchObject({ kind: 'credentials' });
      expect(fault.message).toContain('the session token has expired');
    }
  });
});

describe('an unreachable server', () => {
  async function closedPort(): Promise<number> {
    const holder = createServer();
    await new Promise<void>((done) => holder.listen(0, '127.0.0.1', done));
    const address = holder.address();
    await new Promise((done) => holder.close(done));
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  it.each(Object.entries(OPERATIONS))('is reported by %s within seconds', async (_, operate) => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    const startedMs = performance.now();
    const fault = await faultOf(operate(storeAt({ url }, { maxAttempts: 10 })));
    expect(performance.now() - startedMs).toBeLessThan(5000);
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toContain(`: ${new URL(url).host} can't be reached (connect ECONNREFUSED `);
  });

  it('is reported if every address of its name refuses', async () => {
    const url = `http://localhost:${await closedPort()}`;
    const fault = await faultOf(OPERATIONS.list?.(storeAt({ url })) ?? Promise.resolve());
    expect(fault.message).toMatch(/: localhost:\d+ can't be reached \(.*ECONNREFUSED.*\): check endpoint-url/);
  });

  it.each(['list', 'head'])('is reported by %s if its name does not resolve', async (name) => {
    const fault = await faultOf(OPERATIONS[name]?.(storeAt({ url: 'http://s3.invalid' })) ?? Promise.resolve());
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toMatch(/s3\.invalid can't be reached \(getaddrinfo (ENOTFOUND|EAI_AGAIN) s3\.invalid\)/);
  });

  it.each(['list', 'head'])('that is not an HTTP server is reported by %s', async (name) => {
    const other = createServer((socket) => socket.resume().end('220 mail.example.com ESMTP\r\n'));
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const fault = await faultOf(OPERATIONS[name]?.(storeAt({ url: `http://127.0.0.1:${port}` })) ?? Promise.resolve());
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toContain("can't be reached (Parse Error: Expected HTTP/");
    await new Promise((done) => other.close(done));
  });

  it.each(Object.entries(OPERATIONS))('that speaks http instead of https is reported by %s', async (_, operate) => {
    const fault = await faultOf(operate(storeAt({ url: server.url.replace('http:', 'https:') })));
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toMatch(new RegExp(`: ${host} answers in plain HTTP: write ${server.url} in endpoint-url$`));
  });

  it.each([
    [400, 'Client sent an HTTP request to an HTTPS server.\n'],
    [400, '<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>'],
    [301, '<html>Moved</html>'],
  ])('that may speak https instead of http is reported (%d %j)', async (status, body) => {
    server.fault = () => ({ kind: 'reply', status, body, headers: { location: `https://${host}/` } });
    const fault = await faultOf(storeAt(server).readDocument('doc'));
    expect(fault.kind).toBe('malformed-reply');
    expect(fault.message).toContain(
      `: ${host} answered ${status} with something that is not an S3 reply: check endpoint-url (https://${host}, if it speaks TLS) and any proxy in between`,
    );
  });
});

it("the server's message is made safe for a log line", async () => {
  const body = '<Error><Code>AccessDenied</Code><Message>a\n::error::b</Message></Error>';
  server.fault = () => ({ kind: 'reply', status: 403, body });
  expect((await faultOf(storeAt(server).readDocument('doc'))).message).toContain('a\\u{a}::error::b');
});

it('the missing permission is named with the ARN of the partition', async () => {
  await using china = await startLocalS3({ buckets: [BUCKET], region: 'cn-north-1', deny: () => true });
  const fault = await faultOf(storeAt(china, { region: 'cn-north-1' }).readDocument('doc'));
  expect(fault.message).toContain('allow s3:GetObject on arn:aws-cn:s3:::bucket/doc');
});
