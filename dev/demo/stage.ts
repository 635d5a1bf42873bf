import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { counted, readableSize } from '../../src/text.ts';
import { CREDENTIALS, type LocalS3, startLocalS3 } from '../local-s3/local-s3.ts';
import { type ActionResult, runAction, storeInputs } from '../run-action.ts';
import { shownLines } from './log-lines.ts';
import { type Commit, Repository } from './repository.ts';

export const BUCKET = 'my-assets';

/** One run of the action, and the result it must have for the story to be true. */
export interface Scene {
  readonly mode: 'check' | 'upload';
  readonly commit: Commit;
  readonly inputs?: Readonly<Record<string, string>>;
  /** Outputs by name. */
  readonly expected: Readonly<Record<string, string>>;
  /** Number of requests of each operation; not checked if absent. */
  readonly requests?: Readonly<Record<string, number>>;
}

export interface Played {
  readonly scene: Scene;
  readonly requestCount: number;
  readonly elapsedMs: number;
}

/** An S3 server and a git repository on this machine, and the action between them. Disposing deletes all of it. */
export class Stage implements AsyncDisposable {
  readonly played: Played[] = [];
  readonly repository: Repository;
  readonly store: LocalS3;
  readonly #root: string;
  readonly #cancelled: AbortSignal;
  readonly #clock: { aheadMs: number };

  private constructor(root: string, store: LocalS3, { cancelled, clock }: StageOptions) {
    this.#root = root;
    this.store = store;
    this.#cancelled = cancelled;
    this.#clock = clock;
    this.repository = new Repository(root);
  }

  /** @param cancelled stops the running action, and prevents further ones */
  static async open(cancelled: AbortSignal): Promise<Stage> {
    const clock = { aheadMs: 0 };
    await using cleanup = new AsyncDisposableStack();
    const store = cleanup.use(await startLocalS3({ buckets: [BUCKET], now: () => Date.now() + clock.aheadMs }));
    const root = await mkdtemp(join(tmpdir(), 's3-asset-manager-demo-'));
    cleanup.defer(() => remove(root));
    const stage = new Stage(root, store, { cancelled, clock });
    cleanup.move();
    return stage;
  }

  /** Lets time pass only on the server, since a record that is a few seconds old saves a listing. */
  later(): void {
    this.#clock.aheadMs += 60_000;
  }

  /**
   * Runs the action, and prints its log as a runner would, its cost and its result.
   *
   * @throws Error if the result differs from the story
   */
  async play(scene: Scene): Promise<void> {
    this.#cancelled.throwIfAborted();
    this.store.clearRequests();
    const startedMs = performance.now();
    const result = await this.#run(scene);
    const elapsedMs = performance.now() - startedMs;
    this.#cancelled.throwIfAborted();
    const shown = Object.keys(scene.expected).map((name) => `${name}=${result.outputs[name]}`);
    console.log(`\n  ${styleText('bold', scene.mode)}`);
    for (const line of shownLines(result.lines)) console.log(`    ${line}`);
    console.log(styleText('green', `    → ${shown.join('  ')}`));
    console.log(styleText('dim', `    ${describeRequests(this.store)}, ${elapsedMs.toFixed(0)} ms`));
    this.#judge(scene, result);
    this.played.push({ scene, elapsedMs, requestCount: this.store.requests.length });
  }

  #run({ mode, commit, inputs }: Scene): Promise<ActionResult> {
    const cancelled = this.#cancelled;
    return runAction({
      cwd: this.#root,
      env: { GITHUB_SHA: commit.id, GITHUB_REPOSITORY: 'demo/app', GITHUB_RUN_ID: '1', GITHUB_RUN_ATTEMPT: '1' },
      inputs: {
        mode,
        ...storeInputs(BUCKET, this.store.url, CREDENTIALS),
        ...inputs,
      },
      onStart: (_, kill) => cancelled.addEventListener('abort', () => kill('SIGTERM'), { once: true }),
    });
  }

  #judge({ mode, expected, requests }: Scene, { exitCode, outputs, stderr }: ActionResult): void {
    if (exitCode !== 0) throw new Error(`${mode} ended with exit code ${exitCode}\n${stderr}`);
    for (const [name, text] of Object.entries(expected))
      if (outputs[name] !== text) throw new Error(`${mode} set ${name} to '${outputs[name]}' instead of '${text}'`);
    const counts = operationCounts(this.store);
    for (const [operation, count] of Object.entries(requests ?? {}))
      if (counts.get(operation) !== count)
        throw new Error(`${mode} sent ${counts.get(operation) ?? 0} ${operation} instead of ${count}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    await remove(this.#root);
  }
}

interface StageOptions {
  readonly cancelled: AbortSignal;
  readonly clock: { aheadMs: number };
}

/** On Windows, a process that has ended may keep a file open for a moment. */
async function remove(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}

function operationCounts({ requests }: LocalS3): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { operation } of requests) counts.set(operation, (counts.get(operation) ?? 0) + 1);
  return counts;
}

function describeRequests(store: LocalS3): string {
  const { requests } = store;
  if (requests.length === 0) return 'no requests';
  const operations = [...operationCounts(store)].sort().map(([operation, count]) => `${count} ${operation}`);
  const sent = requests.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
  return `${counted(requests.length, 'request')} (${operations.join(', ')}), ${readableSize(sent)} sent`;
}
