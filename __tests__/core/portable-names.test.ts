import { describe, expect, it } from '@jest/globals';
import { type NamingRules, namingProblem } from '../../src/core/portable-names.ts';

describe('namingProblem', () => {
  it.each([
    'con',
    'NUL',
    'aux.txt',
    'sub/COM1.tar.gz',
    'lpt¹',
    'conin$',
    'a:stream',
    'a?b',
    'a*b',
    'a|b',
    'a"b',
    '<a>',
    'a\\b',
    'a.',
    'a ',
    'sub./a',
  ])('finds no name for a Windows file: %j', (path) => {
    expect(namingProblem(['fine', path], 'win32')).toBe(`'${path}' is no name for a file on Windows`);
    expect(namingProblem(['fine', path], 'darwin')).toBeUndefined();
    expect(namingProblem(['fine', path], 'other')).toBeUndefined();
  });

  it.each(['console', 'com', 'com10', 'nul-1', 'a.con', '.a', 'a b', 'größe', '日本'])(
    'lets Windows have %j',
    (path) => {
      expect(namingProblem([path], 'win32')).toBeUndefined();
    },
  );

  it.each<[string[], NamingRules[]]>([
    [
      ['a.zip', 'A.zip'],
      ['win32', 'darwin'],
    ],
    [
      ['Sub/a', 'sub/A'],
      ['win32', 'darwin'],
    ],
    [
      ['GRÖSSE', 'grösse'],
      ['win32', 'darwin'],
    ],
    [['\u00e9', 'e\u0301'], ['darwin']],
    [['É', 'e\u0301'], ['darwin']],
  ])('finds two names for one file: %j', ([first = '', second = ''], where) => {
    for (const rules of ['win32', 'darwin', 'other'] as const)
      expect(namingProblem([first, second], rules)).toBe(
        where.includes(rules) ? `'${first}' and '${second}' are the same file on this system` : undefined,
      );
  });

  it.each<[string[], NamingRules, string]>([
    [['a', 'a/b'], 'other', "'a' is a file, and the folder of 'a/b'"],
    [['a/b/c/d', 'a/b'], 'other', "'a/b' is a file, and the folder of 'a/b/c/d'"],
    [['A', 'a/b'], 'darwin', "'A' is a file, and the folder of 'a/b'"],
  ])('finds a file that is a folder too: %j on %s', (paths, rules, problem) => {
    expect(namingProblem(paths, rules)).toBe(problem);
  });

  it.each<NamingRules>(['win32', 'darwin', 'other'])('lets files share folders on %s', (rules) => {
    expect(namingProblem(['a/b', 'a/c', 'a-b', 'ab/c', 'A/d'], rules)).toBeUndefined();
  });

  it('shows hostile names in one harmless line', () => {
    expect(namingProblem(['\u202ea:'], 'win32')).toBe("'\\u{202e}a:' is no name for a file on Windows");
  });
});
