import { describe, expect, it } from '@jest/globals';
import { type BuiltAction, copyAction } from '../../dev/proof/lane.ts';
import { proveSizes } from '../../dev/proof/sizes.ts';
import { Tally } from '../../dev/proof/tally.ts';

const MOST_MS = 120_000;
/** What 10,000 files may take; that of 3,000 is mostly garbage that V8 has not come round to. */
const MOST_MB = 200;
const isMeasured = process.platform === 'linux' ? it : it.skip;

describe('the memory that processes of the built action take', () => {
  isMeasured(
    'stays small for thousands of files',
    async () => {
      await using action: BuiltAction = await copyAction();
      const tally = new Tally();
      await proveSizes({ action, tally, seed: 'sample', files: 3000, largeMib: 8 });
      expect(tally.violations).toEqual([]);
      for (const mode of ['upload', 'check', 'restore'])
        expect(tally.counts.get(`many files: ${mode}, peak MB`)).toBeLessThan(MOST_MB);
    },
    MOST_MS,
  );
});
