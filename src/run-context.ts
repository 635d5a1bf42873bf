import type { CodeHashRequest } from './code-hash/code-hash.ts';
import type { Ports } from './ports.ts';
import type { Progress } from './progress.ts';

/** Which commit the inputs and the Actions context name. */
export interface CommitRequest {
  /** The `commit-sha` input: a full id, `HEAD`, or undefined. */
  readonly asked: string | undefined;
  /** The Actions context's commit; undefined outside Actions. */
  readonly context: string | undefined;
  /** Whether the user named the repository's path, so that it must be there. */
  readonly repositoryIsGiven: boolean;
}

/** Commits whose builds may explain a miss, as the CI system names them, in any form. */
export interface Baselines {
  /** The commit that the branch pointed to before the push. */
  readonly before?: string | undefined;
  /** The commit that a pull request is to be merged into. */
  readonly base?: string | undefined;
}

/** Identifies a run. Its records contain this, so that other runs can say which run they wait for. */
export interface RunIdentity {
  readonly repository?: string;
  readonly runId?: string;
  /** The number by which the CI system's pages name the run, if that is not its id. */
  readonly runNumber?: string;
  /** From 1; absent if the system does not number the attempts of a run. */
  readonly runAttempt?: string;
  readonly workflow?: string;
  readonly ref?: string;
  /** The run's page. */
  readonly url?: string;
  readonly version?: string;
}

/** What a run may do with stored sets. `write` is a forced build: its checks always miss, and its uploads replace. */
export type Access = 'read-write' | 'read' | 'write';

/** What every step of a run needs: made once, in run.ts, and handed down as `run`. */
export interface RunContext extends Ports {
  readonly commit: CommitRequest;
  /** Undefined: no caching. */
  readonly codeHash: CodeHashRequest | undefined;
  /** Put before every key: empty, or without a trailing `/`. */
  readonly prefix: string;
  /** Prefixes to search next, in this order; nothing is written there. */
  readonly fallbackPrefixes: readonly string[];
  readonly access: Access;
  /** Whether sets without a record count. */
  readonly legacy: 'trust' | 'ignore';
  /** Bucket and package directory stay as they are. */
  readonly dryRun: boolean;
  /** The total time to wait for other runs. */
  readonly waitMs: number;
  readonly concurrency: number;
  /** Earlier commits that the event names. */
  readonly baselines: Baselines;
  /** Whether sources are stored and misses explained. */
  readonly explain: boolean;
  readonly writer: RunIdentity;
  readonly progress: Pick<Progress, 'during'>;
}
