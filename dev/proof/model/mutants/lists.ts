import type { Mutant } from './mutant.ts';

// What a large set is gone through with: the sets of the model are small, so what spares them that is taken out.

export const LISTS: readonly Mutant[] = [
  {
    guard: 'a small set is compared with its listing in memory',
    file: 'src/steps/compare-listing.ts',
    text: 'if (!Array.isArray(record.files)) {',
    replacement: "if (record.state === 'complete') {",
    redundant: 'page by page it comes out the same',
  },
  {
    guard: 'a short list is held in memory',
    file: 'src/core/packed-list.ts',
    text: 'const FEW_ITEMS = 2000;',
    replacement: 'const FEW_ITEMS = 1;',
    redundant: 'from a file it is read the same',
  },
];
