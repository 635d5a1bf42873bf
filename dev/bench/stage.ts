import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Repository } from '../demo/repository.ts';
import type { Site } from '../servers/site.ts';
import { prepareStep, type StepOptions } from './action-step.ts';
import { Bucket } from './bucket.ts';
import type { Peers } from './peers.ts';
import type { Place } from './place.ts';
import type { ProcessMeter, Timed } from './process-meter.ts';
import type { Sizes } from './sizes.ts';

/** A check lists again if the record is younger than this. */
const SETTLED_MS = 3500;
const LAST_WORDS_CHARACTERS = 2000;

export interface StageOptions {
  readonly server: Site;
  readonly meter: ProcessMeter;
  readonly peers: Peers;
  readonly sizes: Sizes;
}

/** The directories and buckets in which one work is prepared and measured. Disposing deletes them. */
export class Stage implements AsyncDisposable {
  readonly peers: Peers;
  readonly sizes: Sizes;
  readonly root: string;
  readonly #home: string;
  readonly #server: Site;
  readonly #meter: ProcessMeter;
  readonly #resources: AsyncDisposableStack;

  private constructor(root: string, { server, meter, peers, sizes }: StageOptions, resources: AsyncDisposableStack) {
    this.root = root;
    this.#home = join(root, 'home');
    this.#server = server;
    this.#meter = meter;
    this.peers = peers;
    this.sizes = sizes;
    this.#resources = resources;
  }

  static async open(options: StageOptions): Promise<Stage> {
    await using resources = new AsyncDisposableStack();
    const root = await mkdtemp(join(tmpdir(), 's3-asset-manager-bench-'));
    resources.defer(() => rm(root, { recursive: true, force: true }));
    await mkdir(join(root, 'home'));
    return new Stage(root, options, resources.move());
  }

  /** @returns a bucket that exists as long as the stage */
  async bucket(): Promise<Bucket> {
    const bucket = await Bucket.create(this.#server);
    this.#resources.defer(() => bucket.delete());
    return bucket;
  }

  /** @returns a bucket that the caller must delete */
  freshBucket(): Promise<Bucket> {
    return Bucket.create(this.#server);
  }

  /** @param endpoint the server's own by default, without the proxy */
  place(bucket: Bucket, endpoint = this.#server.endpoint): Place {
    const { credentials, certificate } = this.#server;
    return { credentials, certificate, endpoint, bucket: bucket.name, home: this.#home };
  }

  /** @returns a repository in a directory of this name, which ignores `packages` */
  async repository(name = 'repository'): Promise<Repository> {
    const root = join(this.root, name);
    await mkdir(root);
    const repository = new Repository(root);
    await repository.write('.', { '.gitignore': 'packages/\n', 'src/main.txt': 'source\n' });
    await mkdir(join(root, 'packages'));
    return repository;
  }

  /** Stores a set with the action, like {@link storeSets}. */
  storeSet(options: StepOptions): Promise<void> {
    return this.storeSets([options]);
  }

  /**
   * Stores sets with the action, untimed, and waits until a check would believe their records at once.
   *
   * @throws Error if one does not become complete
   */
  async storeSets(each: readonly StepOptions[]): Promise<void> {
    for (const options of each) {
      const step = await prepareStep({ ...options, inputs: { mode: 'upload', ...options.inputs } });
      await this.run(step.timed);
      await step.expectOutputs({ uploaded: 'true' });
    }
    await setTimeout(SETTLED_MS);
  }

  /**
   * Runs something that is not measured.
   *
   * @throws Error if it fails
   */
  async run(timed: Timed): Promise<void> {
    const { exitCode } = await this.#meter.run(timed);
    if (exitCode === 0) return;
    const said = await readFile(timed.output, 'utf8');
    throw new Error(`what prepares a work ended with exit code ${exitCode}: ${said.slice(-LAST_WORDS_CHARACTERS)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
