import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type LocalS3, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import { TlsFront } from '../../dev/local-s3/tls-front.ts';
import { machineEnvironment } from '../../dev/run-action.ts';
import type { StoreSettings } from '../../src/s3/settings.ts';
import { Transport } from '../../src/s3/transport.ts';
import type { Question } from './ask.ts';
import { ForwardProxy } from './forward-proxy.ts';
import { prepare, settingsFor } from './stores.ts';

// Behaviour of a whole process.
const PROGRAM = resolve(import.meta.dirname, 'ask.ts');
const ANSWERS = [['doc', 'source'], expect.stringMatching(/^".*"$/), expect.stringMatching(/^".*"$/)];

let server: LocalS3;
beforeAll(async () => {
  server = await startLocalS3({
    buckets: ['bucket', { name: 'my.assets', region: 'eu-central-1' }],
    credentials: [{ accessKeyId: 'test', secretAccessKey: 'testsecret1' }],
  });
});
beforeEach(() => {
  server.fault = undefined;
  prepare(server);
  server.clearRequests();
});
afterAll(() => server.close());

interface Answered {
  readonly answers: readonly unknown[];
  /** Names of the packages that were loaded. */
  readonly loaded: readonly string[];
  readonly exitCode: number | null;
  readonly stderr: string;
  readonly durationMs: number;
}

async function ask(
  settings: StoreSettings,
  { ask = ['list', 'readDocument', 'head'], env = {} }: { ask?: Question['ask']; env?: Record<string, string> } = {},
): Promise<Answered> {
  const question: Question = { settings, ask };
  const startedMs = performance.now();
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(question)], {
    env: { ...machineEnvironment(), HOME: tmpdir(), AWS_EC2_METADATA_DISABLED: 'true', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((done) => child.on('close', done));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const durationMs = performance.now() - startedMs;
  const { answers, loaded }: Pick<Answered, 'answers' | 'loaded'> = JSON.parse(stdout || '{"answers":[],"loaded":[]}');
  return { answers, loaded, exitCode, stderr, durationMs };
}

it('requests that begin together use fewer connections if replies come fast', async () => {
  let connectionCount = 0;
  const fast = createServer((_, reply) => void reply.end('reply'));
  fast.on('connection', () => {
    connectionCount += 1;
  });
  await once(fast.listen(0, '127.0.0.1'), 'listening');
  try {
    const { port } = fast.address() as AddressInfo;
    const request = { method: 'GET', protocol: 'http:', hostname: '127.0.0.1', port, path: '/', headers: {} };
    const transport = new Transport();
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => transport.exchange(request, { mostBytes: 100 })),
    );
    expect(replies.map(({ body }) => body.toString())).toEqual(new Array(50).fill('reply'));
    expect(connectionCount).toBeLessThan(40);
  } finally {
    fast.closeAllConnections();
    fast.close();
  }
});

describe('a process', () => {
  it('ends after its last request, even if connections are still open', async () => {
    const result = await ask(settingsFor(server.url, { region: undefined }));
    expect(result).toMatchObject({ answers: ANSWERS, exitCode: 0, stderr: '' });
    // Otherwise it would never end, since the server closes no connection.
    expect(result.durationMs).toBeLessThan(20_000);
  });

  it("ends if the region can't be found", async () => {
    server.fault = () => ({ kind: 'reply', status: 503 });
    const settings = settingsFor(server.url, { region: undefined, maxAttempts: 1 });
    expect(await ask(settings, { ask: ['list'] })).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('ends after broken connections, without an unhandled error', async () => {
    server.fault = ({ sequence }) => (sequence % 2 === 0 ? { kind: 'reset' } : { kind: 'truncate', afterBytes: 3 });
    const result = await ask(settingsFor(server.url, { maxAttempts: 1 }), {
      ask: ['list', 'list', 'readDocument', 'head'],
    });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    expect(result.answers).toHaveLength(4);
  });

  it('ends without credentials', async () => {
    const result = await ask(settingsFor(server.url, { credentials: undefined }), { ask: ['list', 'head'] });
    const missing = expect.stringMatching(/^StoreError: There are no AWS credentials: /);
    expect(result).toMatchObject({ exitCode: 0, stderr: '', answers: [missing, missing] });
  });
});

describe('the modules loaded', () => {
  it('by a listing, a record and a head include neither the SDK’s client nor anything for proxies or roles', async () => {
    const { loaded, answers } = await ask(settingsFor(server.url));
    expect(answers).toEqual(ANSWERS);
    const heavy = /^@aws-sdk\/(client|credential|nested|middleware)|proxy|^agent-base$|^@smithy\/fetch/;
    expect(loaded.filter((name) => heavy.test(name))).toEqual([]);
    expect(loaded).toContain('@smithy/signature-v4');
  });

  it('by multipart uploads include the client, but nothing for proxies', async () => {
    const { loaded } = await ask(settingsFor(server.url), { ask: ['abortUploads'] });
    expect(loaded).toContain('@aws-sdk/client-s3');
    expect(loaded.filter((name) => /proxy|^agent-base$/.test(name))).toEqual([]);
  });

  it('for a server in NO_PROXY include nothing for proxies', async () => {
    const env = { HTTP_PROXY: 'http://proxy.invalid:3128', NO_PROXY: '127.0.0.0/8' };
    const { loaded, answers } = await ask(settingsFor(server.url), { ask: ['list'], env });
    expect(answers).toEqual([ANSWERS[0]]);
    expect(loaded.filter((name) => /proxy|^agent-base$/.test(name))).toEqual([]);
  });
});

/** Stands in for AWS: serves the names of its servers over TLS, and can only be reached through a proxy. */
class PretendedAws implements AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  readonly proxy: ForwardProxy;
  readonly #front: TlsFront;

  private constructor(front: TlsFront, proxy: ForwardProxy) {
    this.#front = front;
    this.proxy = proxy;
    this.env = { HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: front.certificate };
  }

  static async start({ port }: LocalS3): Promise<PretendedAws> {
    const regions = ['us-east-1', 'eu-central-1'].map((region) => `s3.${region}.amazonaws.com`);
    const front = await TlsFront.start(
      port,
      regions.flatMap((host) => [`DNS:${host}`, `DNS:*.${host}`]),
    );
    return new PretendedAws(front, await ForwardProxy.start(front.port));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    await this.#front[Symbol.asyncDispose]();
  }
}

describe('AWS, behind a proxy', () => {
  let aws: PretendedAws;
  beforeAll(async () => {
    aws = await PretendedAws.start(server);
  });
  beforeEach(() => {
    aws.proxy.lines.length = 0;
    server.put('my.assets', 'doc', '{}');
    server.put('my.assets', 'source', 'x');
  });
  afterAll(() => aws[Symbol.asyncDispose]());

  const SETTINGS = { bucket: 'my.assets', region: undefined, forcePathStyle: false };

  it('is asked for the region of a bucket, and in that region for everything else', async () => {
    const result = await ask(settingsFor(undefined, SETTINGS), { env: aws.env });
    expect(result).toMatchObject({ answers: ANSWERS, exitCode: 0, stderr: '' });
    expect(result.durationMs).toBeLessThan(20_000);
    // Connections are reused: one for each server.
    expect(aws.proxy.lines).toEqual([
      'CONNECT s3.us-east-1.amazonaws.com:443',
      'CONNECT s3.eu-central-1.amazonaws.com:443',
    ]);
    expect(server.requests.map(({ operation }) => operation)).toEqual([
      'HeadBucket',
      'ListObjectsV2',
      'GetObject',
      'HeadObject',
    ]);
  });

  it('is reported not to know a bucket', async () => {
    server.fault = () => ({ kind: 'reply', status: 404 });
    const settings = settingsFor(undefined, { ...SETTINGS, bucket: 'no.such.bucket' });
    const missing =
      "StoreError: AWS does not say which region the bucket 'no.such.bucket' is in (status 404): check bucket, or set aws-region";
    expect(await ask(settings, { ask: ['list', 'head'], env: aws.env })).toMatchObject({ answers: [missing, missing] });
  });

  it('is addressed by a host name with the bucket in it, if that has no dots', async () => {
    const settings = settingsFor(undefined, { bucket: 'my-assets', region: 'eu-central-1', forcePathStyle: false });
    await ask(settings, { ask: ['list', 'head'], env: aws.env });
    expect(new Set(aws.proxy.lines)).toEqual(new Set(['CONNECT my-assets.s3.eu-central-1.amazonaws.com:443']));
    expect(new Set(server.requests.map(({ headers }) => headers.host))).toEqual(
      new Set(['my-assets.s3.eu-central-1.amazonaws.com']),
    );
  });

  it('with an untrusted certificate is reported, with advice', async () => {
    const settings = settingsFor(undefined, { ...SETTINGS, region: 'eu-central-1' });
    const { answers } = await ask(settings, { ask: ['list', 'head'], env: { HTTPS_PROXY: aws.proxy.url } });
    for (const answer of answers)
      expect(answer).toMatch(
        /AWS S3 can't be reached \(.*certificate.*\): check endpoint-url, or set NODE_EXTRA_CA_CERTS/,
      );
    expect(answers).toHaveLength(2);
  });
});
