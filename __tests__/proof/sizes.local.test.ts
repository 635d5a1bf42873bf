import { describe, expect, it } from '@jest/globals';
import { type BuiltAction, copyAction } from '../../dev/proof/lane.ts';
import { MOST_MB, proveSizes } from '../../dev/proof/sizes.ts';
import { Tally } from '../../dev/proof/tally.ts';

const MOST_MS = 120_000;
/** So many that the record of a set is too large for memory. */
const FILES = 8000;
const isMeasured = process.platform === 'linux' ? it : it.skip;

describe('the memory that processes of the built action take', () => {
  isMeasured(
    'stays small for thousands of files',
    async () => {
      await using action: BuiltAction = await copyAction();
      const tally = new Tally();
      await proveSizes({ action, tally, seed: 'sample', files: FILES, largeMib: 8 });
      expect(tally.violations).toEqual([]);
      for (const mode of ['upload', 'check', 'restore'])
        expect(tally.counts.get(`many files: ${mode}, peak MB`)).toBeLessThanOrEqual(MOST_MB['many files']);
    },
    MOST_MS,
  );
});
