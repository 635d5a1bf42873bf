import { expect, it } from '@jest/globals';
import { describeUnmatched } from '../../src/core/unmatched-patterns.ts';

it.each([
  ['src/**/*.{ts,tsx}', 'src/**/*.ts', 'braces are taken literally'],
  ['{src,lib}/**/*.{ts,tsx}', 'src/**/*.ts', 'each alternative needs a pattern of its own'],
  ['src/**/*.{ts,', 'src/**/*.ts', 'braces are taken literally'],
  ['tsx}', 'tsx', 'braces are taken literally'],
  ['src/**,', 'src/**', 'patterns are separated by white space, not by commas'],
  ['src/**,lib/**', 'src/** lib/**', 'patterns are separated by white space, not by commas'],
  ['"src/**"', 'src/**', 'quotes are taken literally'],
  ["'src/**',", 'src/**', 'quotes are taken literally; patterns are separated by white space'],
  ['src\\**', 'src/**', "folders are divided by '/'"],
])('says of %s to write %s, and why', (pattern, mended, why) => {
  const line = describeUnmatched([pattern], '.');
  expect(line).toContain(`code-hash-filter has '${pattern}', which matches nothing in '.' (write '${mended}': `);
  expect(line).toContain(why);
});

it('names every pattern, escaped', () => {
  expect(describeUnmatched(['srv/**', 'a\u001b'], 'repo')).toBe(
    "code-hash-filter has 'srv/**', 'a\\u{1b}', which match nothing in 'repo'",
  );
  expect(describeUnmatched([','], '.')).toContain('patterns are separated by white space');
});
