import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ENTRY } from '../run-action.ts';
import type { Judgement } from './targets.ts';

const KB = 1000;
/** What every step loads; the entries only start it. */
const PROGRAM = 'program.js';
const MOST_PROGRAM_KB = 200;
const MOST_TOTAL_KB = 1200;

/** Compares the sizes that a runner downloads and a step compiles with their limits. */
export async function judgeBundle(): Promise<readonly (Judgement & { readonly says: string })[]> {
  const directory = dirname(ENTRY);
  const names = await readdir(directory);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  return [
    atMost(`\`dist/${PROGRAM}\``, (await stat(join(directory, PROGRAM))).size, MOST_PROGRAM_KB),
    atMost(
      'all of `dist/`',
      sizes.reduce((sum, size) => sum + size, 0),
      MOST_TOTAL_KB,
    ),
  ];
}

function atMost(what: string, sizeBytes: number, mostKb: number): Judgement & { readonly says: string } {
  const isReached = sizeBytes <= mostKb * KB;
  return { says: `${what} at most ${mostKb} KB`, value: `${(sizeBytes / KB).toFixed(1)} KB`, isReached };
}
