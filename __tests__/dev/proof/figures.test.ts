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
    '### `model`',
    'Broken promises: 0. Time: 1.5 min. 2026-11-25, Node v24.21.0, seed `1`.',
    '| counted | figure |\n| --- | --- |\n| kills | 12,345 |',
  ]);
});

it('removed guards are listed, one on each line', () => {
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

it('figures of parts that were not run stay', () => {
  const figures = { date: '2026-11-25', node: 'v24.21.0', seed: '1', isQuick: false };
  const before = render({ ...figures, parts: { crash: partOf({}), model: partOf({ violations: 1 }) } });
  const after = render({ ...figures, parts: { model: partOf({}) } }, before);
  expect(after).toBe(render({ ...figures, parts: { crash: partOf({}), model: partOf({}) } }));
});

it('a part that was skipped says why', () => {
  expect(shown(partOf({ skipped: 'there is no go' }))).toEqual(['### `model`', 'Skipped: there is no go']);
});
