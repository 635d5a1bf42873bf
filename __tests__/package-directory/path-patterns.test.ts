import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { InputError } from '../../src/errors.ts';
import { pathMatcher, unmatchedPatterns } from '../../src/package-directory/scan.ts';
import { Packages } from './packages.ts';

const isPosix = process.platform !== 'win32';

/** Names that every system allows, without those that are the same file on Windows. */
const PORTABLE = [
  'a',
  'b.zip',
  '.hidden',
  '.dir/x',
  'dir/.x',
  'dir/b.zip',
  'dir/sub/x.zip',
  'dir/sub/deep/y',
  'dist',
  'n/dist/z',
  '[x]',
  'x',
  '{a,b}',
  '+(a)',
  '!bang',
  '#hash',
  '~tilde',
  'a..b',
  'é',
  'with space',
];
const PATHS = isPosix ? [...PORTABLE, 'A.ZIP', '*star', 'q?', '...'] : PORTABLE;

/** Patterns that users write, and odd ones. */
const PATTERNS: readonly (readonly string[])[] = [
  [],
  ['*'],
  ['**'],
  ['**/*'],
  ['*/**'],
  ['**/**'],
  ['*.zip'],
  ['**/*.zip'],
  ['*.ZIP'],
  ['dir'],
  ['dir/'],
  ['dir/*'],
  ['dir/**'],
  ['dir/**/*.zip'],
  ['dir/*/x.zip'],
  ['dir/**/deep/**'],
  ['dist/**'],
  ['**/dist/**'],
  ['**/dist'],
  ['./dir/**'],
  ['././b.zip'],
  ['./*'],
  ['dir//b.zip'],
  ['.*'],
  ['.*/**'],
  ['**/.*'],
  ['?'],
  ['[ab]'],
  ['[!a]*'],
  ['[^a]*'],
  ['[a-'],
  ['[[]x]'],
  ['[x]'],
  ['[[:alpha:]]'],
  ['{a,b}'],
  ['+(a)'],
  ['@(a|b)'],
  ['#hash'],
  ['a*b'],
  ['a**b'],
  ['with space'],
  ['é'],
  ['not-there'],
  ['!b.zip'],
  ['!**/*.zip'],
  ['!./dir/**', '!a'],
  ['!!bang'],
  ['!{a,b}'],
  ['**', '!dir/**'],
  ['**', '!dir/**', 'dir/sub/**'],
  ['dir/**', '!dir/sub/**', 'dir/sub/deep/y', '!**/y'],
  ['!a', 'a'],
  ['a', '!a'],
  ['*', '!*'],
];

describe('the paths that patterns select', () => {
  let packages: Packages;
  beforeAll(async () => {
    packages = await Packages.create(Object.fromEntries(PATHS.map((path) => [path, 'x'])));
  });
  afterAll(() => packages[Symbol.asyncDispose]());

  it.each(PATTERNS.map((patterns) => [patterns]))('are for %j those that an upload finds', async (patterns) => {
    expect(PATHS.filter(pathMatcher(patterns)).toSorted()).toEqual((await packages.scan(patterns, true)).toSorted());
  });

  it.each(['a/./b', 'dir/.', '!a/./b', 'a/../b', '..'])('are refused for %j, as in an upload', async (pattern) => {
    expect(() => pathMatcher([pattern])).toThrow(InputError);
    expect(() => pathMatcher([pattern])).toThrow(`files has the pattern '${pattern}'`);
    await expect(packages.scan([pattern], true)).rejects.toBeInstanceOf(InputError);
  });

  (isPosix ? it : it.skip).each(['\\[x]', '[x\\]', 'q\\?', '\\*star', '\\!bang', 'dir/\\b.zip'])(
    'are for %j, with an escape, those of that very name',
    (pattern) => {
      expect(PATHS.filter(pathMatcher([pattern], false))).toEqual([pattern.replace('\\', '')]);
    },
  );
});

it('returns the patterns that match no path', () => {
  expect(unmatchedPatterns(['dir/**', 'none', '!x', './a', 'b.*', '*.tgz'], PATHS)).toEqual(['none', '*.tgz']);
  expect(unmatchedPatterns(['**'], [])).toEqual(['**']);
  expect(unmatchedPatterns([], PATHS)).toEqual([]);
});

describe('on Windows', () => {
  const matches = (pattern: string, path: string) => pathMatcher([pattern], true)(path);

  it('case is ignored', () => {
    expect(matches('APP.zip', 'app.ZIP')).toBe(true);
    expect(matches('É/*', 'é/x')).toBe(true);
    expect(pathMatcher(['APP.zip'], false)('app.ZIP')).toBe(false);
  });

  it('a backslash is a separator', () => {
    expect(matches('dir\\**\\*.zip', 'dir/sub/x.zip')).toBe(true);
    expect(matches('.\\dir\\*', 'dir/a')).toBe(true);
    expect(matches('dir\\**', 'dir')).toBe(true);
    expect(() => matches('dir\\.\\a', 'dir/a')).toThrow(InputError);
  });
});

it('is fast for hostile paths', () => {
  const isChosen = pathMatcher(['**/a/**/b/**/c/**', '!**/*z*/**/*y*']);
  const path = `${'a/'.repeat(300)}${'b/'.repeat(200)}d`;
  const startedMs = performance.now();
  for (let index = 0; index < 20; index += 1) expect(isChosen(path)).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(3000);
});
