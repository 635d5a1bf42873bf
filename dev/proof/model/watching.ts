import type { Bucket } from './bucket.ts';
import type { SetPlace } from './history.ts';
import type { ProcessPlan } from './plan.ts';
import type { Requests } from './requests.ts';

/** A process, as far as what it does is judged while it does it. */
export interface Watched {
  readonly plan: Pick<ProcessPlan, 'mode' | 'code' | 'caches' | 'overwrite'>;
  readonly runId: number;
  readonly attempt: number;
  /** Where else than at its commit it looks for a set. */
  readonly elsewhere: readonly SetPlace[];
  /** How many changes of the bucket had been made when it began. */
  readonly startedAt: number;
  readonly builtFiles: ReadonlyMap<string, { readonly bytes: Buffer }>;
  readonly wasPaused: boolean;
  readonly wasRewritten: boolean;
  /** When a request for a record last went out or was answered. */
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
