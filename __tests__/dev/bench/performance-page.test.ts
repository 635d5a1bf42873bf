import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { replaceFigures } from '../../../dev/bench/performance-page.ts';

it('replaces the figures and nothing else', () => {
  const page = 'a\n<!-- figures -->\nold\n<!-- /figures -->\nb\n';
  expect(replaceFigures(page, '$& new')).toBe('a\n<!-- figures -->\n\n$& new\n\n<!-- /figures -->\nb\n');
});

it('refuses a page without a place for them', () => {
  expect(() => replaceFigures('a', 'b')).toThrow('no <!-- figures -->');
});

it('finds its place in the documentation', async () => {
  const page = await readFile('docs/internals/performance.md', 'utf8');
  expect(replaceFigures(page, 'figures of a run')).toContain('figures of a run');
});
