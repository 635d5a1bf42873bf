import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { pathMatcher, unmatchedPatterns } from '../../src/package-directory/scan.ts';
import { EVERYTHING, Scenario } from '../support/scenario.ts';

// `files` selects the same files in an upload and in a restore.

const PATHS = ['.hidden', '[x]', 'a', 'b.zip', 'dir/.x', 'dir/b.zip', 'dir/sub/c.zip', 'dist', 'n/dist/z', '{a,b}'];
const but = (...left: readonly string[]) => PATHS.filter((path) => !left.includes(path));

const CHOSEN: readonly [patterns: readonly string[], paths: readonly string[]][] = [
  [[], PATHS],
  [['**'], PATHS],
  [['**/*'], PATHS],
  [['*'], ['.hidden', '[x]', 'a', 'b.zip', 'dist', '{a,b}']],
  [['./*'], ['.hidden', '[x]', 'a', 'b.zip', 'dist', '{a,b}']],
  [['*.zip'], ['b.zip']],
  [['**/*.zip'], ['b.zip', 'dir/b.zip', 'dir/sub/c.zip']],
  [['dir'], []],
  [['dir/'], []],
  [['dir/*'], ['dir/.x', 'dir/b.zip']],
  [['./dir/**'], ['dir/.x', 'dir/b.zip', 'dir/sub/c.zip']],
  [['dir/*/c.zip'], ['dir/sub/c.zip']],
  [['dir//b.zip'], ['dir/b.zip']],
  [['dist/**'], ['dist']],
  [['**/dist/**'], ['dist', 'n/dist/z']],
  [['**/.*'], ['.hidden', 'dir/.x']],
  [['?'], ['a']],
  [['[ab]'], ['a']],
  [['[!a-d]'], []],
  [['[x]'], []],
  [['[[]x]'], ['[x]']],
  [['{a,b}'], ['{a,b}']],
  [['@(a|b)'], []],
  [['a', 'not-there'], ['a']],
  [['!**/*.zip'], but('b.zip', 'dir/b.zip', 'dir/sub/c.zip')],
  [['**', '!dir/**'], but('dir/.x', 'dir/b.zip', 'dir/sub/c.zip')],
  [['**', '!dir/**', 'dir/sub/**'], but('dir/.x', 'dir/b.zip')],
  [['dir/**', '!dir/sub/**', '!**/.x'], ['dir/b.zip']],
  [['!a', 'a'], ['a']],
  [['a', '!a'], []],
];

let scenario: Scenario;
let whole: string;
beforeAll(async () => {
  scenario = await Scenario.create();
  whole = scenario.head;
  await scenario.storeSet(Object.fromEntries(PATHS.map((path) => [path, path])));
});
afterAll(() => scenario.close());

it.each(CHOSEN)('%j select %j for an upload', async (patterns, paths) => {
  await scenario.build(Object.fromEntries(PATHS.map((path) => [path, path])));
  const asked = scenario.pretendCommit();
  const commit = { asked, context: undefined, repositoryIsGiven: false };
  const selection = { patterns, includeHidden: true };
  await scenario.upload({ commit, codeHash: undefined, selection, ifNoFilesFound: 'ignore' });
  const prefix = `artifacts/${asked}/`;
  expect((await scenario.bucket.keys(prefix)).map((key) => key.slice(prefix.length)).toSorted()).toEqual(paths);
});

it.each(CHOSEN)('%j select %j for a restore', async (patterns, paths) => {
  await rm(scenario.packages, { recursive: true, force: true });
  const commit = { asked: whole, context: undefined, repositoryIsGiven: false };
  const unmatchedBy = (among: Iterable<string>) => unmatchedPatterns(patterns, among);
  const selection = { ...EVERYTHING, isChosen: pathMatcher(patterns), unmatchedBy };
  await scenario.restore({ commit, codeHash: undefined, selection });
  const found = (await scenario.ports().packages.exists())
    ? await scenario.ports().packages.scan({ patterns: [], includeHidden: true })
    : [];
  expect(found.map(({ path }) => path)).toEqual(paths);
});
