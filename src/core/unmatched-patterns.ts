import { printable } from './printable.ts';

/** What people write in patterns by the habit of other tools, and why it matches nothing here. */
const HABITS: readonly { readonly sign: RegExp; readonly why: string; readonly mend: (pattern: string) => string }[] = [
  { sign: /["'`]/, why: 'quotes are taken literally', mend: (pattern) => pattern.replaceAll(/["'`]/g, '') },
  {
    sign: /[{}]/,
    why: 'braces are taken literally, so each alternative needs a pattern of its own',
    mend: (pattern) => pattern.replaceAll(/\{([^{},]*)[^{}]*\}?/g, '$1').replaceAll('}', ''),
  },
  {
    sign: /,/,
    why: 'patterns are separated by white space, not by commas',
    mend: (pattern) => pattern.replaceAll(/,+/g, ' ').trim(),
  },
  { sign: /\\/, why: "folders are divided by '/'", mend: (pattern) => pattern.replaceAll(/\\+/g, '/') },
];

/**
 * Says which patterns of code-hash-filter match nothing.
 *
 * @param patterns at least one
 * @returns the begin of a line, without a full stop; of the first pattern also what to write in its place, where that can be told
 */
export function describeUnmatched(patterns: readonly string[], repositoryPath: string): string {
  const names = patterns.map((pattern) => `'${printable(pattern)}'`).join(', ');
  const hint = patterns.map(hintFor).find((text) => text !== undefined);
  const line = `code-hash-filter has ${names}, which ${patterns.length === 1 ? 'matches' : 'match'} nothing in '${printable(repositoryPath)}'`;
  return hint === undefined ? line : `${line} (${hint})`;
}

function hintFor(pattern: string): string | undefined {
  const habits = HABITS.filter(({ sign }) => sign.test(pattern));
  if (habits.length === 0) return undefined;
  const mended = habits.reduce((text, { mend }) => mend(text), pattern);
  const reasons = habits.map(({ why }) => why).join('; ');
  return mended === '' ? reasons : `write '${printable(mended)}': ${reasons}`;
}
