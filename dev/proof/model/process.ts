import { check } from '../../../src/modes/check.ts';
import type { Outcome } from '../../../src/modes/outcome.ts';
import { restore } from '../../../src/modes/restore.ts';
import { upload } from '../../../src/modes/upload.ts';
import type { Ports } from '../../../src/ports.ts';
import { type Build, CODES, COMMITS } from './contents.ts';
import { ModelDirectory } from './directory.ts';
import type { ProcessPlan } from './plan.ts';
import type { Runner } from './time.ts';

const PATIENCE_MS = 600_000;
const EVERYTHING = { isChosen: () => true, unmatchedBy: () => [], naming: 'other' } as const;

type Ending = { readonly outcome: Outcome } | { readonly error: unknown };

/** One run of the action. */
export class ModelProcess implements Runner {
  readonly number: number;
  readonly plan: ProcessPlan;
  readonly runId: number;
  readonly attempt: number;
  readonly directory: ModelDirectory;
  readonly initialPaths: ReadonlySet<string>;
  readonly abort = new AbortController();
  readonly log: string[] = [];
  state: 'waiting' | 'running' | 'ended' | 'crashed' = 'waiting';
  isPaused = false;
  wasPaused = false;
  wasRewritten = false;
  /** When a request for a record last went out or was answered. */
  recordWriteMs = 0;
  /** Positions in the changes of the bucket. */
  startedAt = 0;
  endedAt = 0;
  startedMs = 0;
  endedMs = 0;
  faults = 0;
  /** A fault was shown to it that it must not take for an answer. */
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
    this.initialPaths = new Set(this.directory.files.keys());
  }

  get isRunning(): boolean {
    return this.state === 'running' && !this.isPaused;
  }

  get isAlive(): boolean {
    return this.state === 'waiting' || this.state === 'running';
  }

  /** @param onEnd called once the mode has returned or thrown; never after a crash */
  start(
    ports: Omit<Ports, 'packages' | 'signal' | 'log' | 'sources'>,
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
    this.#run({ ...ports, packages: this.directory, signal, log, sources: NO_SOURCES }).then(
      (outcome) => end({ outcome }),
      (error: unknown) => end({ error }),
    );
  }

  #run(ports: Ports): Promise<Outcome> {
    const { mode, commit, code, caches, legacy, waits, promotes, concurrency, overwrite } = this.plan;
    const search = {
      commit: { asked: COMMITS[commit], context: undefined, repositoryIsGiven: false },
      codeHash: caches ? ({ kind: 'given', value: CODES[code] } as const) : undefined,
      prefix: '',
      fallbackPrefixes: [],
      legacy,
      promote: promotes,
      dryRun: false,
      waitMs: waits ? PATIENCE_MS : 0,
      concurrency,
      writer: { repository: 'o/r', runId: String(this.runId), runAttempt: String(this.attempt) },
    };
    if (mode === 'restore') return restore({ ...search, selection: EVERYTHING }, ports);
    if (mode === 'check') return check({ ...search, restore: this.plan.restores ? EVERYTHING : undefined }, ports);
    const settings = { contentType: () => undefined, cacheControl: undefined, metadata: undefined };
    const selection = { patterns: [], includeHidden: false };
    return upload({ ...search, selection, settings, overwrite, ifNoFilesFound: 'error' }, ports);
  }
}

const NO_SOURCES: Ports['sources'] = {
  path: '.',
  exists: async () => true,
  isRepository: async () => false,
  head: async () => undefined,
  nested: async () => [],
  entries: async () => ({ entries: Buffer.of(), unmatched: [] }),
  committedEntries: async () => Buffer.of(),
  contents: async () => ({ fileCount: 0, unmatched: [], pieces: (async function* () {})() }),
};
