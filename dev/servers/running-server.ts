import { randomUUID } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { makeCertificate } from '../local-s3/tls-front.ts';
import { findTwoFreePorts } from './free-ports.ts';
import { ProcessGroup } from './process-group.ts';
import type { Launch, ServerDefinition } from './server-definition.ts';
import { type Credentials, connect, type Site } from './site.ts';

const CREDENTIALS: Credentials = { accessKeyId: 'test', secretAccessKey: 'testsecret1' };
const MOST_WAITING_MS = 60_000;
const PAUSE_MS = 100;
const LAST_WORDS_CHARACTERS = 2000;

export interface StartOptions {
  readonly cancelled: AbortSignal;
  /** Whether it uses TLS, with a certificate made for this run. */
  readonly overTls?: boolean;
}

/** A server with new, empty storage on a free port; disposing stops it and deletes its data. */
export class RunningServer implements Site, AsyncDisposable {
  readonly endpoint: string;
  readonly certificate: string | undefined;
  readonly credentials = CREDENTIALS;
  readonly #resources: AsyncDisposableStack;

  private constructor({ endpoint, certificate }: Site, resources: AsyncDisposableStack) {
    this.endpoint = endpoint;
    this.certificate = certificate;
    this.#resources = resources;
  }

  /**
   * @param program path of the installed server
   * @throws Error if it does not become ready, with the end of its log
   */
  static async start(
    server: ServerDefinition,
    program: string,
    { cancelled, overTls = false }: StartOptions,
  ): Promise<RunningServer> {
    await using resources = new AsyncDisposableStack();
    const root = await mkdtemp(join(tmpdir(), `test-${server.id}-`));
    resources.defer(() => rm(root, { recursive: true, force: true }));
    const dataDirectory = await mkdtemp(join(root, 'data-'));
    const ports = await findTwoFreePorts();
    const certificate = overTls ? makeCertificate(root, ['IP:127.0.0.1']) : undefined;
    const launch = server.launch({ ports, dataDirectory, credentials: CREDENTIALS, certificate });
    const logPath = join(root, 'log');
    const group = resources.use(await startProcess(program, launch, { cwd: root, logPath }));
    const endpoint = `${overTls ? 'https' : 'http'}://127.0.0.1:${ports[0]}`;
    const site = { endpoint, credentials: CREDENTIALS, certificate: certificate?.path };
    try {
      await waitUntilReady(site, group, cancelled);
    } catch (cause) {
      cancelled.throwIfAborted();
      const lastWords = (await readFile(logPath, 'utf8')).slice(-LAST_WORDS_CHARACTERS);
      throw new Error(`${server.name} did not start. The end of its log:\n${lastWords}`, { cause });
    }
    return new RunningServer(site, resources.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

async function startProcess(
  program: string,
  { args, env = {} }: Launch,
  { cwd, logPath }: { cwd: string; logPath: string },
): Promise<ProcessGroup> {
  await using log = await open(logPath, 'w');
  // Its temporary files are deleted together with its data.
  return new ProcessGroup(program, args, { cwd, env: { TMPDIR: cwd, ...env }, stdio: ['ignore', log.fd, log.fd] });
}

/** Health checks succeed too early: a server is ready only after it has stored something. */
async function waitUntilReady(site: Site, group: ProcessGroup, cancelled: AbortSignal): Promise<void> {
  const ending = new AbortController();
  group.ended.then(
    (end) => ending.abort(new Error(`it ended with ${end}`)),
    (error: unknown) => ending.abort(error),
  );
  const signal = AbortSignal.any([cancelled, AbortSignal.timeout(MOST_WAITING_MS), ending.signal]);
  const client = connect(site);
  try {
    while (!(await canStore(client, signal))) await setTimeout(PAUSE_MS, undefined, { signal });
  } finally {
    client.destroy();
  }
}

/** @returns whether a bucket can be created and an object stored in it; false if the connection is refused */
async function canStore(client: S3Client, abortSignal: AbortSignal): Promise<boolean> {
  abortSignal.throwIfAborted();
  const Bucket = `ready-${randomUUID()}`;
  try {
    await client.send(new CreateBucketCommand({ Bucket }), { abortSignal });
    await client.send(new PutObjectCommand({ Bucket, Key: 'ready', Body: 'x' }), { abortSignal });
    return true;
  } catch {
    return false;
  }
}
