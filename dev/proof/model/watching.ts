import type { Bucket } from './bucket.ts';
import type { SetPlace } from './history.ts';
import type { ProcessPlan } from './plan.ts';
import type { Requests } from './requests.ts';

/** The parts of a process that are needed to check its requests. */
export interface Watched {
  readonly plan: Pick<ProcessPlan, 'mode' | 'code' | 'caches' | 'overwrite'>;
  readonly runId: number;
  readonly attempt: number;
  /** Other locations where it looks for a set. */
  readonly elsewhere: readonly SetPlace[];
  /** The number of changes of the bucket when it started. */
  readonly startedAt: number;
  readonly builtFiles: ReadonlyMap<string, { readonly bytes: Buffer }>;
  readonly wasPaused: boolean;
  readonly wasRewritten: boolean;
  /** The time at which a request for a record was last sent or answered. */
  recordWriteMs: number;
}

export interface Watching {
  readonly bucket: Bucket;
  readonly requests: Requests;
  readonly processOf: (sender: number) => Watched;
  readonly now: () => number;
  readonly violate: (promise: string) => void;
  readonly count: (what: string) => void;
}
