import { expect, it } from '@jest/globals';
import { type PartFigures, render } from '../../../dev/proof/figures.ts';

function partOf(overrides: Partial<PartFigures>): PartFigures {
  return { seconds: 90, violations: 0, counts: { kills: 12345 }, mutants: [], skipped: undefined, ...overrides };
}

function shown(part: PartFigures): string[] {
  const figures = { date: '2026-11-25', node: 'v24.21.0', seed: '1', isQuick: false, parts: { model: part } };
  return render(figures).split('\n\n');
}

it('figures are a table for each part', () => {
  expect(shown(partOf({}))).toEqual([
    'The last full run of `npm run proof`: 2026-11-25, Node v24.21.0, seed `1`.',
    '### `model`',
    'Broken promises: 0. Time: 1.5 min.',
    '| counted | figure |\n| --- | --- |\n| kills | 12,345 |',
  ]);
});

it('guards that were taken out are told one by one, in one line each', () => {
  const mutants = [
    { guard: 'the lease', violation: 'two writers\n  of one set | both', interleavings: 1234 },
    { guard: 'a second look', violation: undefined, interleavings: 2000 },
  ];
  expect(shown(partOf({ mutants })).at(-1)).toBe(
    [
      '| without | breaks | interleavings |',
      '| --- | --- | --- |',
      '| the lease | two writers of one set \\| both | 1,234 |',
      '| a second look | nothing | 2,000 |',
    ].join('\n'),
  );
});

it('a part that was skipped says why', () => {
  expect(shown(partOf({ skipped: 'there is no go' })).slice(1)).toEqual(['### `model`', 'Skipped: there is no go']);
});
