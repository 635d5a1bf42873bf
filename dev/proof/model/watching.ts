import type { Bucket } from './bucket.ts';
import type { Build } from './contents.ts';
import type { Requests } from './requests.ts';

/** A process, as far as what it does is judged while it does it. */
export interface Watched {
  readonly plan: { readonly build: number; readonly overwrite: boolean };
  readonly runId: number;
  readonly attempt: number;
  /** How many changes of the bucket had been made when it began. */
  readonly startedAt: number;
  readonly wasPaused: boolean;
  readonly wasRewritten: boolean;
  /** When a request for a record last went out or was answered. */
  recordWriteMs: number;
}

export interface Watching {
  readonly bucket: Bucket;
  readonly requests: Requests;
  readonly builds: readonly Build[];
  readonly processOf: (sender: number) => Watched;
  readonly now: () => number;
  readonly violate: (promise: string) => void;
  readonly count: (what: string) => void;
}
