import { describe, expect, it } from '@jest/globals';
import { hasMagic, namePattern } from '../../src/code-hash/python-pattern.ts';

// Each row was checked against fnmatch of CPython 3.11.
const CASES: readonly (readonly [pattern: string, matching: readonly string[], other: readonly string[]])[] = [
  ['*', ['', 'a', '.a', 'a\nb'], []],
  ['?', ['a', '😀', '\udcff'], ['', 'ab']],
  ['*.py', ['a.py', '.py'], ['a.pyc', 'apy']],
  ['a*b*c', ['abc', 'aXbYc', 'abcbc'], ['ac', 'abcd', 'acb']],
  ['*a*a*', ['aa', 'xaxax'], ['a', 'xax']],
  ['A', ['A'], ['a']],
  ['[abc]', ['a', 'c'], ['d', '[', 'ab']],
  ['[!abc]', ['d', '!'], ['a', '']],
  ['[^a]', ['^', 'a'], ['b']],
  ['[]]', [']'], ['[', '']],
  ['[!]]', ['a'], [']']],
  ['[]-a]', [']', '^', 'a'], ['-', 'b']],
  ['[a-c]', ['a', 'b', 'c'], ['-', 'd']],
  ['[a-]', ['a', '-'], ['b']],
  ['[-a]', ['a', '-'], ['b']],
  ['[!-a]', ['b'], ['a', '-']],
  ['[a-c-e]', ['b', '-', 'e'], ['d']],
  ['[--0]', ['-', '.', '/', '0'], ['1', ',']],
  ['[z-a]', [], ['z', 'a', '-', '']],
  ['[!z-a]', ['z', '-', '😀'], ['']],
  ['[az-by]', ['a', 'y'], ['z', 'b', '-']],
  ['[z-a!b]', ['a', 'z'], ['b']],
  ['[z-a!-b]', ['a', '!'], ['-', 'b']],
  ['[\\-_]', ['\\', ']', '_'], ['-', 'a']],
  ['[a&&b]', ['a', '&', 'b'], ['c']],
  ['[\ue000-😀]', ['\uff5e', '😀'], ['é', '😁']],
  ['[', ['['], ['a', '']],
  ['[!', ['[!'], ['a']],
  ['[]', ['[]'], [']']],
  ['[a', ['[a'], ['a']],
  ['a[b', ['a[b'], ['ab']],
  ['\\*', ['\\', '\\a'], ['*']],
  ['{a,b}', ['{a,b}'], ['a']],
  ['a.b', ['a.b'], ['aXb']],
];

describe('namePattern', () => {
  it.each(CASES)('%j matches %j and not %j', (pattern, matching, other) => {
    const isMatch = namePattern(pattern);
    expect(matching.filter((name) => !isMatch(name))).toEqual([]);
    expect(other.filter(isMatch)).toEqual([]);
  });

  it('does not take exponential time', () => {
    expect(namePattern(`${'*a'.repeat(40)}*b`)('a'.repeat(5000))).toBe(false);
  });
});

describe('hasMagic', () => {
  it.each(['*', 'a?', '[', 'a/[b]/c'])('is true for %s', (text) => expect(hasMagic(text)).toBe(true));
  it.each(['', 'a', '{a,b}', '!a', ']', '\\'])('is false for %j', (text) => expect(hasMagic(text)).toBe(false));
});
