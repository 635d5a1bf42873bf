import { check } from '../../../src/modes/check.ts';
import type { Outcome } from '../../../src/modes/outcome.ts';
import { restore } from '../../../src/modes/restore.ts';
import { upload } from '../../../src/modes/upload.ts';
import type { Ports } from '../../../src/ports.ts';
import { Progress } from '../../../src/progress.ts';
import type { RunContext } from '../../../src/run-context.ts';
import { type Build, CODES, COMMITS, PATTERNS, ROOTS, SALT, SOURCES } from './contents.ts';
import { ModelDirectory } from './directory.ts';
import { placeHints } from './hints.ts';
import { placeOf, type SetPlace } from './history.ts';
import type { ProcessPlan } from './plan.ts';
import type { Runner } from './time.ts';

export const PATIENCE_MS = 600_000;
const EVERYTHING = { isChosen: () => true, unmatchedBy: () => [], naming: 'other' } as const;

type Ending = { readonly outcome: Outcome } | { readonly error: unknown };

/** One run of the action. */
export class ModelProcess implements Runner {
  readonly number: number;
  readonly plan: ProcessPlan;
  readonly runId: number;
  readonly attempt: number;
  readonly directory: ModelDirectory;
  /** The files under `RUNNER_TEMP`. */
  readonly jobFiles = new Map<string, string>();
  /** The text that was in place of `.record.json` before it started. */
  readonly forgedRecord: string | undefined;
  /** The files that were built, for an upload. */
  readonly builtFiles: ReadonlyMap<string, { readonly bytes: Buffer }>;
  readonly initialPaths: ReadonlySet<string>;
  readonly abort = new AbortController();
  readonly log: string[] = [];
  state: 'waiting' | 'running' | 'ended' | 'crashed' = 'waiting';
  isPaused = false;
  wasPaused = false;
  wasRewritten = false;
  /** The time at which a request for a record was last sent or answered. */
  recordWriteMs = 0;
  /** The time that the slowest reply took to arrive. */
  slowestReplyMs = 0;
  /** Indexes into the changes of the bucket. */
  startedAt = 0;
  endedAt = 0;
  startedMs = 0;
  endedMs = 0;
  faults = 0;
  /** It has met a fault, which it must not take for an answer. */
  mustFail = false;
  isCancelled = false;
  ending: Ending | undefined;

  constructor(
    number: number,
    plan: ProcessPlan,
    { build, runId, attempt }: { build: Build | undefined; runId: number; attempt: number },
  ) {
    this.number = number;
    this.plan = plan;
    this.runId = runId;
    this.attempt = attempt;
    this.directory = new ModelDirectory(build?.files ?? []);
    this.builtFiles = new Map([...(build?.files ?? [])].map(([path, bytes]) => [path, { bytes }]));
    this.initialPaths = new Set(this.directory.files.keys());
    if (plan.mode === 'upload') placeHints(this);
    this.forgedRecord = this.directory.markers.get('.record.json');
  }

  /** The text of the record that it left for later steps. */
  get recordText(): string | undefined {
    const text = this.directory.markers.get('.record.json');
    return text === this.forgedRecord ? undefined : text;
  }

  /** Whether a check left its result where the build can't write. */
  get hasHandover(): boolean {
    return this.jobFiles.size > 0;
  }

  /** The location of its commit's set. */
  get own(): SetPlace {
    return placeOf('artifacts', COMMITS[this.plan.commit], ROOTS[this.plan.root]);
  }

  /** Other locations where it may find a set. */
  get elsewhere(): readonly SetPlace[] {
    const { plan, own } = this;
    const fallback = plan.root === 0 ? ROOTS[1] : ROOTS[0];
    const commits = plan.fallsBack ? [placeOf('artifacts', own.id, fallback)] : [];
    const roots = plan.fallsBack ? [own.root, fallback] : [own.root];
    return plan.caches ? [...commits, ...roots.map((root) => placeOf('cache', CODES[plan.code], root))] : commits;
  }

  get isRunning(): boolean {
    return this.state === 'running' && !this.isPaused;
  }

  get isAlive(): boolean {
    return this.state === 'waiting' || this.state === 'running';
  }

  /** @param onEnd called when the mode has returned or thrown; never after a crash */
  start(
    ports: Omit<Ports, 'packages' | 'jobFiles' | 'signal' | 'log' | 'sources'>,
    { onEnd, onLine }: { onEnd: () => void; onLine: (line: string) => void },
  ): void {
    this.state = 'running';
    const { signal } = this.abort;
    const log = { info: onLine, warning: onLine, debug: () => {} };
    const end = (ending: Ending): void => {
      if (this.state !== 'running') return;
      this.state = 'ended';
      this.ending = ending;
      onEnd();
    };
    this.#run({
      ...ports,
      packages: this.directory,
      jobFiles: this.#jobFiles(),
      signal,
      log,
      sources: this.#sources(),
    }).then(
      (outcome) => end({ outcome }),
      (error: unknown) => end({ error }),
    );
  }

  #run(ports: Ports): Promise<Outcome> {
    const { mode, commit, code, caches, hashes, legacy, waits, promotes, concurrency, overwrite, root, fallsBack } =
      this.plan;
    const how = { algorithm: 'git-sha256', salt: SALT, unmatchedPatterns: 'error' } as const;
    const computed = { kind: 'computed', patterns: PATTERNS, ...how } as const;
    const run: RunContext = {
      ...ports,
      commit: { asked: COMMITS[commit], context: undefined, repositoryIsGiven: false },
      codeHash: caches ? (hashes ? computed : ({ kind: 'given', value: CODES[code] } as const)) : undefined,
      prefix: this.own.root,
      fallbackPrefixes: fallsBack ? [root === 0 ? ROOTS[1] : ROOTS[0]] : [],
      access: promotes || mode === 'upload' ? 'read-write' : 'read',
      legacy,
      dryRun: false,
      // Nothing depends on what it stores.
      explain: false,
      baselines: {},
      waitMs: waits ? PATIENCE_MS : 0,
      concurrency,
      writer: { repository: 'o/r', runId: String(this.runId), runAttempt: String(this.attempt) },
      // Nothing depends on it, so its timers would only add steps.
      progress: new Progress({ clock: { ...ports.clock, every: () => () => {} }, log: ports.log }),
    };
    if (mode === 'restore') return restore(run, EVERYTHING);
    if (mode === 'check') return check(run, { restore: this.plan.restores ? EVERYTHING : undefined });
    const settings = { contentType: 'application/octet-stream', cacheControl: undefined, metadata: undefined };
    const selection = { patterns: [], includeHidden: false };
    return upload(run, { ...settings, selection, overwrite, ifNoFilesFound: 'store' });
  }

  #jobFiles(): Ports['jobFiles'] {
    return {
      read: async (name) => this.jobFiles.get(name),
      write: async (name, text) => {
        this.jobFiles.set(name, text);
      },
    };
  }

  /** The repository that is checked out. */
  #sources(): Ports['sources'] {
    const { commit, code, checksOutOther } = this.plan;
    const position = checksOutOther ? 1 - code : code;
    const entries = SOURCES[position === 0 ? 0 : 1];
    return {
      exists: async () => true,
      isRepository: async () => true,
      path: '.',
      nested: async () => [],
      resolve: async () => undefined,
      parents: async () => [],
      ancestors: async () => [],
      head: async () => COMMITS[checksOutOther ? (commit + 1) % COMMITS.length : commit],
      entries: async () => ({ entries, unmatched: [] }),
      committedEntries: async () => entries,
      matching: async () => [],
      contents: async () => ({ fileCount: 0, unmatched: [], pieces: (async function* () {})() }),
    };
  }
}
