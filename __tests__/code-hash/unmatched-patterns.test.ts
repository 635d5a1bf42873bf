import { expect, it } from '@jest/globals';
import { describeUnmatched } from '../../src/code-hash/code-hash.ts';

const BRACES = 'braces are taken literally';
const COMMAS = 'patterns are separated by white space, not by commas';
const QUOTES = 'quotes are taken literally';

it.each([
  ['src/**/*.{ts,tsx}', 'src/**/*.ts src/**/*.tsx', BRACES],
  ['{src,lib}/**/*.{ts,tsx}', 'src/**/*.ts src/**/*.tsx lib/**/*.ts lib/**/*.tsx', BRACES],
  ['{src,lib/{a,b}}/*.ts', 'src/*.ts lib/a/*.ts lib/b/*.ts', BRACES],
  ['src/*.ts{,x}', 'src/*.ts src/*.tsx', BRACES],
  ['{1,2,3,4}/{1,2,3}', '1/1 1/2 1/3 2/1 2/2 2/3 3/1 3/2 3/3 4/1 4/2 4/3', BRACES],
  ['{src,lib}/**,package.json', 'src/** package.json lib/**', `${BRACES}; ${COMMAS}`],
  ['src/**,', 'src/**', COMMAS],
  ['src/**,lib/**', 'src/** lib/**', COMMAS],
  ['"src/**"', 'src/**', QUOTES],
  ["'src/**',", 'src/**', `${QUOTES}; ${COMMAS}`],
  ['src\\**', 'src/**', "folders are separated by '/'"],
  ['/src/**', 'src/**', "patterns are relative to the repository, so leave out the '/'"],
])('suggests to replace %s with %s, and says why', (pattern, mended, why) => {
  expect(describeUnmatched([pattern], '.')).toBe(
    `Nothing in '.' matches '${pattern}' of code-hash-filter (write '${mended}': ${why})`,
  );
});

it.each(['src/**/*.{ts,', 'tsx}', 'src/{1..3}', '{a,{b}', '{a,b}}'])(
  'suggests no replacement if braces are unbalanced or no list: %s',
  (pattern) => {
    expect(describeUnmatched([pattern], '.')).toContain(
      `(write each alternative as a pattern of its own, without braces and white space: ${BRACES})`,
    );
  },
);

it.each(['{1,2,3,4}/{1,2,3,4}', '{a,b}'.repeat(1000)])('does not list too many alternatives (%#)', (pattern) => {
  expect(describeUnmatched([pattern], '.')).toContain(
    `(write each of its more than 12 alternatives as a pattern of its own: ${BRACES})`,
  );
});

it('names every pattern, with control characters escaped', () => {
  expect(describeUnmatched(['srv/**', 'a\u001b'], 'repo')).toBe(
    "Nothing in 'repo' matches 'srv/**' or 'a\\u{1b}' of code-hash-filter",
  );
  expect(describeUnmatched([','], '.')).toContain(`(${COMMAS})`);
});
