import { describe, expect, it } from '@jest/globals';
import { type NamingRules, namingProblem } from '../../src/asset-set/path.ts';
import { printable } from '../../src/text.ts';

describe('namingProblem', () => {
  it.each([
    'con',
    'NUL',
    'aux.txt',
    'sub/COM1.tar.gz',
    'lpt¹',
    'conin$',
    'CONOUT$',
    'COM²',
    'con .txt',
    'nul  ',
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
  ])('refuses %j on Windows', (path) => {
    expect(namingProblem(['fine', path], 'win32')).toBe(`'${path}' is no name for a file on Windows`);
    expect(namingProblem(['fine', path], 'darwin')).toBeUndefined();
    expect(namingProblem(['fine', path], 'other')).toBeUndefined();
  });

  it.each(['console', 'com', 'com10', 'nul-1', 'nul x', 'a.con', '.a', 'a b', 'größe', '日本', 'a~1'])(
    'allows %j on Windows',
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
    [
      ['\u212a', 'k'],
      ['win32', 'darwin'],
    ], // the sign for Kelvin
    [['straße', 'STRASSE'], ['darwin']],
    [['a\u200cb', 'ab'], ['darwin']],
    [['sub\ufeff/a', 'sub/a'], ['darwin']],
  ])('finds two names for one file: %j', ([first = '', second = ''], where) => {
    for (const rules of ['win32', 'darwin', 'other'] as const)
      expect(namingProblem([first, second], rules)).toBe(
        where.includes(rules)
          ? `'${printable(first)}' and '${printable(second)}' are the same file on this system`
          : undefined,
      );
  });

  it.each<[string[], NamingRules, string]>([
    [['a', 'a/b'], 'other', "'a' is a file, and the folder of 'a/b'"],
    [['a/b/c/d', 'a/b'], 'other', "'a/b' is a file, and the folder of 'a/b/c/d'"],
    [['A', 'a/b'], 'darwin', "'A' is a file, and the folder of 'a/b'"],
    [['a/b', 'a-b', 'a b', 'a', 'a0'], 'other', "'a' is a file, and the folder of 'a/b'"],
  ])('finds a file that is also a folder: %j on %s', (paths, rules, problem) => {
    expect(namingProblem(paths, rules)).toBe(problem);
  });

  it.each<NamingRules>(['win32', 'darwin', 'other'])('allows files to share folders on %s', (rules) => {
    expect(namingProblem(['a/b', 'a/c', 'a-b', 'ab/c', 'A/d'], rules)).toBeUndefined();
  });

  it.each<NamingRules>(['win32', 'darwin', 'other'])('finds a file that is named twice on %s', (rules) => {
    expect(namingProblem(['a', 'b', 'a'], rules)).toBe("'a' is named twice");
  });

  it.each<[string, readonly NamingRules[]]>([
    ['.found/x', ['win32', 'darwin', 'other']],
    ['.record.json/a/b', ['win32', 'darwin', 'other']],
    ['.Found', ['win32', 'darwin']],
    ['.COMMIT-HASH/x', ['win32', 'darwin']],
    ['.commit-haſh', ['win32', 'darwin']], // a long s, whose upper case is S
    ['.fo\u200cund', ['darwin']],
    ['sub/.found', []],
    ['.founder', []],
  ])('reserves the names of markers: %j', (path, where) => {
    for (const rules of ['win32', 'darwin', 'other'] as const)
      expect(namingProblem(['fine', path], rules)).toBe(
        where.includes(rules) ? `'${printable(path)}' stands where a marker file of this action belongs` : undefined,
      );
  });

  it.each<[string, readonly NamingRules[]]>([
    ['a'.repeat(256), ['win32', 'darwin', 'other']],
    [`${'a'.repeat(256)}/b`, ['win32', 'darwin', 'other']],
    ['é'.repeat(128), ['other']],
    ['a'.repeat(255), []],
    [`${'a'.repeat(255)}/${'é'.repeat(127)}`, []],
  ])('finds names that are too long', (path, where) => {
    for (const rules of ['win32', 'darwin', 'other'] as const) {
      const unit = rules === 'other' ? 'bytes' : 'characters';
      const problem = `'${path}' has a file or folder name of more than 255 ${unit}`;
      expect(namingProblem([path], rules)).toBe(where.includes(rules) ? problem : undefined);
    }
  });

  it.each<NamingRules>(['win32', 'darwin', 'other'])('is fast with many deep paths on %s', (rules) => {
    const folders = 'a/'.repeat(400);
    const paths = Array.from({ length: 10_000 }, (_, index) => `${folders}${index}`);
    const startedMs = performance.now();
    expect(namingProblem(paths, rules)).toBeUndefined();
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  it('shows hostile names on one harmless line', () => {
    expect(namingProblem(['\u202ea:'], 'win32')).toBe("'\\u{202e}a:' is no name for a file on Windows");
  });
});
