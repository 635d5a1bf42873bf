import { artifactSet } from '../../src/asset-set/location.ts';
import type { Outcome } from '../../src/modes/outcome.ts';
import { COMMIT } from '../asset-set/records.ts';

/** A miss, with the overrides of a test. */
export function outcome(overrides: Partial<Outcome> = {}): Outcome {
  return {
    found: false,
    source: 'none',
    reason: 'absent',
    commit: COMMIT,
    codeHash: undefined,
    builtFromCommit: undefined,
    location: artifactSet('', COMMIT),
    files: [],
    uploaded: false,
    cached: false,
    restored: false,
    ...overrides,
  };
}
