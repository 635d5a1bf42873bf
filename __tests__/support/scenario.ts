import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { LocalS3Options } from '../../dev/local-s3/local-s3.ts';
import {
  type ActionResult,
  type ActionStep,
  type CommandResult,
  machineEnvironment,
  runAction,
  runCommand,
  storeInputs,
} from '../../dev/run-action.ts';
import type { RestoreSelection } from '../../src/asset-set/download.ts';
import {
  type AssetFile,
  type AssetRecord,
  parseRecord,
  type RecordDraft,
  totalSize,
  type Writer,
} from '../../src/asset-set/record.ts';
import { gitSourceTree } from '../../src/code-hash/code-hash.ts';
import { jobFiles, systemClock, systemRandom } from '../../src/host/system.ts';
import { type CheckOptions, check } from '../../src/modes/check.ts';
import type { Outcome } from '../../src/modes/outcome.ts';
import { restore } from '../../src/modes/restore.ts';
import { type UploadOptions, upload } from '../../src/modes/upload.ts';
import { packageDirectory } from '../../src/package-directory/package-directory.ts';
import type { Clock, ObjectStore, Ports, SourceTree } from '../../src/ports.ts';
import { Progress } from '../../src/progress.ts';
import type { RunContext } from '../../src/run-context.ts';
import { s3ObjectStore } from '../../src/s3/object-store.ts';
import type { StoreSettings } from '../../src/s3/settings.ts';
import { defined } from '../../src/text.ts';
import { recordText } from '../asset-set/records.ts';
import { TestBucket } from './test-bucket.ts';

/** The default request for a code hash: of the files of `src/`. */
export const SOURCES = {
  kind: 'computed',
  patterns: ['src/**'],
  algorithm: 'git-sha256',
  salt: '',
  unmatchedPatterns: 'error',
} as const;

/** Everything, as a restore without `files` selects it, on a system where different names are different files. */
export const EVERYTHING: RestoreSelection = { isChosen: () => true, unmatchedBy: () => [], naming: 'other' };

/** Another run, of the same repository. */
export const OTHER_WRITER = {
  nonce: 'other',
  sequence: 1,
  repository: 'owner/repository',
  runId: '77',
  runAttempt: '1',
  workflow: 'nightly',
} as const satisfies Writer;

/**
 * The fields that a test sets in a record that no mode wrote; the others are those of another run that uploads this
 * commit.
 */
export interface RecordFixture extends Partial<RecordDraft> {
  readonly state?: AssetRecord['state'];
  readonly writer?: Writer;
  readonly leaseSeconds?: number;
  readonly files?: readonly AssetFile[];
}

/** Where a set is stored if it is not the commit's own, and the claims of its record, also about each file. */
export interface SetClaims extends Pick<RecordFixture, 'writer'> {
  readonly prefix?: string;
  readonly recordKey?: string;
  readonly file?: Partial<AssetFile>;
}

/** A clock on which a sleep takes no time; `onSleep` is called instead. */
export function skippingClock(onSleep: (durationMs: number) => unknown = () => {}): Clock {
  let skippedMs = 0;
  return {
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() + skippedMs,
    sleep: async (durationMs, signal) => {
      signal?.throwIfAborted();
      skippedMs += durationMs;
      await onSleep(durationMs);
    },
  };
}

/** The committer, and no background work. */
const SETTINGS = '-c user.name=test -c user.email=test@example.com -c gc.auto=0 -c maintenance.auto=false';
const INIT = 'git init --quiet --template=';
/** The same files are then the same commit in every test. */
const DATES = 'GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z';
/** Prints the new commit's id. */
const COMMIT = `git add --all && ${DATES} git ${SETTINGS} commit --quiet --allow-empty --message change && git rev-parse HEAD`;

/** The repository of this suite's first scenario. Writing it again takes a fourth of what git needs to make another. */
let made: { readonly head: string; readonly files: Readonly<Record<string, Uint8Array>> } | undefined;

/** The files in a folder and its subfolders, by their paths there. */
async function contentsOf(folder: string): Promise<Record<string, Uint8Array>> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [relative(folder, path), await readFile(path)])),
  );
}

/** The settings of a step besides its inputs. */
export interface ActionOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly onStart?: ActionStep['onStart'];
  /** What Node runs in place of the entry point. */
  readonly args?: readonly string[];
}

/** A repository that must not be read. */
export function closedSources(): SourceTree {
  const refuse = () => {
    throw new Error('The repository was looked at');
  };
  return {
    path: '.',
    exists: refuse,
    isRepository: refuse,
    head: refuse,
    resolve: refuse,
    parents: refuse,
    ancestors: refuse,
    nested: refuse,
    entries: refuse,
    committedEntries: refuse,
    matching: refuse,
    contents: refuse,
  };
}

/**
 * One pipeline: a bucket, a checked-out repository and its package directory, all of them real. Modes
 * run in this process with the real adapters, or as the built action in a process of its own.
 */
export class Scenario {
  readonly bucket: TestBucket;
  readonly root: string;
  readonly packages: string;
  /** `RUNNER_TEMP` of the built action; modes in this process have it if a test passes `inJob`. */
  readonly temporary: string;
  /** What was logged, warnings with `warning: ` before them. */
  readonly log: string[] = [];
  #head = '';

  private constructor(bucket: TestBucket, root: string, temporary: string) {
    this.bucket = bucket;
    this.root = root;
    this.packages = join(root, 'packages');
    this.temporary = temporary;
  }

  static async create(options: LocalS3Options = {}): Promise<Scenario> {
    const [bucket, root, temporary] = await Promise.all([
      TestBucket.create(options),
      mkdtemp(join(tmpdir(), 's3-asset-manager-scenario-')),
      mkdtemp(join(tmpdir(), 's3-asset-manager-runner-')),
    ]);
    const scenario = new Scenario(bucket, root, temporary);
    await scenario.#write(root, { '.gitignore': 'packages/\n', 'src/main.txt': 'main\n' });
    await scenario.#makeRepository();
    return scenario;
  }

  async #makeRepository(): Promise<void> {
    const folder = join(this.root, '.git');
    if (made === undefined) {
      const head = this.#gitScript(`${INIT} && ${COMMIT}`);
      made = { head, files: await contentsOf(folder) };
    } else {
      for (const [path, content] of Object.entries(made.files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), content);
      }
      // The index also has the times of the files, which are new.
      this.git('add', '--all');
    }
    this.#head = made.head;
  }

  async close(): Promise<void> {
    await this.bucket.close();
    for (const directory of [this.root, this.temporary]) await rm(directory, { recursive: true, force: true });
  }

  git(...args: readonly string[]): string {
    return execFileSync('git', args, { cwd: this.root, encoding: 'utf8', env: machineEnvironment() }).trim();
  }

  /**
   * Runs several commands in one process: starting one from a large process like this takes ten times as long as
   * git itself.
   */
  #gitScript(script: string): string {
    return this.git('-c', `alias.script=!${script}`, 'script');
  }

  /** Commits files; without any, the commit has the same code as the last. @returns its id */
  async commit(files: Readonly<Record<string, string>> = {}): Promise<string> {
    await this.#write(this.root, files);
    this.#head = this.#gitScript(COMMIT);
    return this.#head;
  }

  /** The commit that is checked out. */
  get head(): string {
    return this.#head;
  }

  /** Moves on to a made-up commit, for restores, which never look at the repository. */
  pretendCommit(): string {
    this.#head = randomBytes(20).toString('hex');
    return this.#head;
  }

  /**
   * Stores a complete set of the commit without any mode, as another writer could.
   *
   * @param bodies by path
   * @param claims where it is stored, and the claims of its record, if not the defaults
   */
  async storeSet(bodies: Readonly<Record<string, string | Uint8Array>>, claims: SetClaims = {}): Promise<AssetFile[]> {
    const { prefix = `artifacts/${this.head}/`, recordKey, file = {}, ...record } = claims;
    const files = await Promise.all(
      Object.entries(bodies).map(async ([path, body]) => {
        await this.bucket.put(prefix + path, body);
        const etag = (await this.bucket.get(prefix + path))?.etag ?? '';
        const sha256 = createHash('sha256').update(body).digest('base64');
        return { path, size: Buffer.byteLength(body), etag, sha256, ...file };
      }),
    );
    await this.putRecord({ ...record, state: 'complete', files }, recordKey);
    return files;
  }

  /** Writes assets as a build would. */
  async build(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    await mkdir(this.packages, { recursive: true });
    await this.#write(this.packages, files);
  }

  /** Starts a new job: removes everything that the last one left behind. */
  async freshPackages(): Promise<void> {
    for (const directory of [this.packages, this.temporary]) await rm(directory, { recursive: true, force: true });
    await mkdir(this.temporary);
  }

  /** The overrides with which modes run as in a runner's job. */
  get inJob(): Pick<Ports, 'jobFiles'> {
    const warning = (line: string) => void this.log.push(`warning: ${line}`);
    return { jobFiles: jobFiles(this.temporary, { info: () => {}, warning, debug: () => {} }) };
  }

  async #write(root: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
  }

  async marker(name: string): Promise<string | undefined> {
    return readFile(join(this.packages, name), 'utf8').catch(() => undefined);
  }

  async check(overrides: Partial<CheckOptions & RunContext> = {}, ports: Partial<Ports> = {}): Promise<Outcome> {
    return check(this.run({ ...ports, ...overrides }), overrides);
  }

  async upload(overrides: Partial<UploadOptions & RunContext> = {}, ports: Partial<Ports> = {}): Promise<Outcome> {
    const options: UploadOptions = {
      selection: { patterns: [], includeHidden: false },
      contentType: 'application/octet-stream',
      cacheControl: undefined,
      metadata: undefined,
      ifNoFilesFound: 'error',
      overwrite: false,
      ...overrides,
    };
    return upload(this.run({ ...ports, ...overrides }), options);
  }

  async restore(
    overrides: Partial<RunContext> & { readonly selection?: RestoreSelection } = {},
    ports: Partial<Ports> = {},
  ): Promise<Outcome> {
    const { selection = EVERYTHING, ...run } = overrides;
    return restore(this.run({ ...ports, ...run }), selection);
  }

  /** The context of a run, with the overrides of a test. */
  run(overrides: Partial<RunContext> = {}): RunContext {
    return {
      ...this.ports(overrides),
      commit: { asked: undefined, context: this.head, repositoryIsGiven: false },
      codeHash: SOURCES,
      prefix: '',
      fallbackPrefixes: [],
      access: 'read-write',
      legacy: 'trust',
      dryRun: false,
      waitMs: 0,
      concurrency: 8,
      // Its requests would be counted by tests.
      explain: false,
      baselines: {},
      writer: { repository: 'owner/repository', runId: '1', runAttempt: '1', version: '0.0.0' },
      progress: new Progress({ clock: systemClock, log: { info: () => {}, warning: () => {}, debug: () => {} } }),
      ...overrides,
    };
  }

  /** The real ports, with the overrides of a test. */
  ports(overrides: Partial<Ports> = {}): Ports {
    const log = {
      info: (line: string) => void this.log.push(line),
      warning: (line: string) => void this.log.push(`warning: ${line}`),
      debug: () => {},
    };
    return {
      store: s3ObjectStore(this.storeSettings()),
      sources: gitSourceTree({ repositoryPath: this.root, packageDirectory: this.packages }),
      packages: packageDirectory(this.packages, log),
      jobFiles: undefined,
      clock: systemClock,
      random: systemRandom,
      log,
      signal: new AbortController().signal,
      ...overrides,
    };
  }

  /** The real store with some methods replaced, so that something can happen between two requests. */
  hookedStore(hooks: (store: ObjectStore) => Partial<ObjectStore>): ObjectStore {
    const store = s3ObjectStore(this.storeSettings());
    return { ...store, ...hooks(store) };
  }

  /** A store that tries everything only once, for faults that don't go away. */
  impatientStore(): ObjectStore {
    return s3ObjectStore(this.storeSettings({ maxAttempts: 1 }));
  }

  storeSettings(overrides: Partial<StoreSettings> = {}): StoreSettings {
    return {
      bucket: this.bucket.name,
      region: 'us-east-1',
      endpointUrl: this.bucket.endpoint,
      forcePathStyle: true,
      credentials: { ...this.bucket.credentials, sessionToken: undefined },
      role: undefined,
      expectedBucketOwner: undefined,
      maxAttempts: 5,
      partSizeBytes: 5 * 1024 ** 2,
      storageClass: undefined,
      serverSideEncryption: undefined,
      sseKmsKeyId: undefined,
      acl: undefined,
      tagging: undefined,
      ...overrides,
    };
  }

  /** Runs the built command line program in this repository. */
  cli(
    args: readonly string[],
    { env = {}, onStart }: Pick<ActionOptions, 'env' | 'onStart'> = {},
  ): Promise<CommandResult> {
    return runCommand({ args, cwd: this.root, env: { ...this.variables, ...env }, ...defined({ onStart }) });
  }

  /** The variables that give the command line program the bucket and its credentials. */
  get variables(): Record<string, string> {
    const { endpoint, credentials, name } = this.bucket;
    return {
      ASSETS_BUCKET: name,
      ASSETS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
  }

  /** Runs the built action as a step of a job of this repository. */
  action(
    mode: string,
    inputs: Record<string, string> = {},
    { env = {}, onStart, args }: ActionOptions = {},
  ): Promise<ActionResult> {
    const step = {
      cwd: this.root,
      ...defined({ onStart }),
      env: {
        GITHUB_SHA: this.head,
        GITHUB_REPOSITORY: 'owner/repository',
        GITHUB_SERVER_URL: 'https://github.com',
        GITHUB_RUN_ID: '1',
        GITHUB_RUN_ATTEMPT: '1',
        RUNNER_TEMP: this.temporary,
        ...env,
      },
      inputs: {
        mode,
        ...storeInputs(this.bucket.name, this.bucket.endpoint, this.bucket.credentials),
        ...inputs,
      },
    };
    return args === undefined ? runAction(step) : runAction(step, args);
  }

  /** The record of a commit's set (by default), or any other, by its key. */
  async record(key = `records/artifacts/${this.head}.json`): Promise<AssetRecord | undefined> {
    const object = await this.bucket.get(key);
    return object === undefined ? undefined : parseRecord(object.body, key);
  }

  /** Stores a record as another run would, for the commit or code hash that its key names. */
  async putRecord(fixture: RecordFixture = {}, key = `records/artifacts/${this.head}.json`): Promise<void> {
    const { state = 'uploading', files = [], ...rest } = fixture;
    const [, folder, id = ''] = /(artifacts|cache)\/([0-9a-f]+)\.json$/.exec(key) ?? [];
    const own = folder === 'cache' ? { commit: this.head, codeHash: id } : { commit: id };
    const base = { ...own, origin: { kind: 'upload' }, writer: OTHER_WRITER, leaseSeconds: 120 } as const;
    const record: AssetRecord =
      state === 'complete'
        ? { ...base, ...rest, state, files, totalSize: totalSize(files) }
        : { ...base, ...rest, state };
    await this.bucket.put(key, recordText(record));
  }

  /** The keys and bodies of everything in the bucket, to test that nothing has changed. */
  async bucketContents(): Promise<Record<string, string | undefined>> {
    const keys = await this.bucket.keys();
    return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, (await this.bucket.get(key))?.body])));
  }

  /**
   * The requests that the local server has seen since `forgetWire`: `Operation key`, or `Operation prefix` for a
   * listing; code hashes as `<code>`, commits as `<commit>`.
   */
  wire(): string[] {
    return this.bucket.server.requests.map(({ operation, key, query }) =>
      `${operation} ${key ?? query.prefix ?? ''}`
        .trim()
        .replace(/[0-9a-f]{64}/, '<code>')
        .replace(/[0-9a-f]{40}/, '<commit>'),
    );
  }

  forgetWire(): void {
    this.bucket.server.clearRequests();
  }

  warnings(): string[] {
    return this.log.filter((line) => line.startsWith('warning: '));
  }
}
