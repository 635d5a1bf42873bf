import { describe, expect, it } from '@jest/globals';
import { printable } from '../src/text.ts';

describe('printable', () => {
  it.each([
    ['a line end', 'a\nb', 'a\\u{a}b'],
    ['a carriage return', 'a\rb', 'a\\u{d}b'],
    ['a NUL', 'a\0b', 'a\\u{0}b'],
    ['a terminal escape', '\u001b[31mred', '\\u{1b}[31mred'],
    ['a C1 control character', 'a\u009bb', 'a\\u{9b}b'],
    ['a next line', 'a\u0085b', 'a\\u{85}b'],
    ['a Unicode line separator', 'a\u2028b', 'a\\u{2028}b'],
    ['a Unicode paragraph separator', 'a\u2029b', 'a\\u{2029}b'],
    ['a text direction mark', 'a\u202egpj.exe', 'a\\u{202e}gpj.exe'],
    ['a zero-width space', 'a\u200bb', 'a\\u{200b}b'],
    ['a byte order mark', '\ufeffa', '\\u{feff}a'],
    ['an invisible tag', 'a\u{e0041}', 'a\\u{e0041}'],
    ['a lone surrogate', 'a\ud800b', 'a\\u{d800}b'],
    ["a command in the runner's old form", 'a##[add-mask]b', 'a\\u{23}#[add-mask]b'],
    ['a command of that form after another #', 'a###[add-mask]b', 'a#\\u{23}#[add-mask]b'],
  ])('shows %s by its code point', (_, name, shown) => {
    expect(printable(name)).toBe(shown);
  });

  it('cuts text that is longer than any key, and gives its length', () => {
    expect(printable('k'.repeat(2000))).toBe('k'.repeat(2000));
    expect(printable(`\n${'x'.repeat(5_000_000)}`)).toBe(`\\u{a}${'x'.repeat(1999)}… (5000001 characters)`);
  });

  it.each(['app.zip', 'a b', 'Größe/日本語.txt', '😀', 'e\u0301', "it's", '# ## #[x]', ''])(
    'does not change %j',
    (name) => {
      expect(printable(name)).toBe(name);
    },
  );
});
