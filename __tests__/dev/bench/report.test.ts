import { expect, it } from '@jest/globals';
import { renderResults, renderTargets } from '../../../dev/bench/report.ts';

it('shows each target, and whether it is reached', () => {
  const shown = renderTargets([
    { title: '`check`', link: '25ms', says: 'at most 2 ms', value: '1 ms', isReached: true },
    { title: 'bundle', link: undefined, says: 'at most 3 KB', value: '4 KB', isReached: false },
  ]);
  expect(shown.split('\n')).toEqual([
    '| work | link | target | measured | reached |',
    '| --- | --- | --- | --- | --- |',
    '| `check` | 25 ms | at most 2 ms | 1 ms | yes |',
    '| bundle |  | at most 3 KB | 4 KB | **no** |',
  ]);
});

it('shows each work with both links in a table of its own, with the ratio to each peer', () => {
  const own = { runs: 10, wallMs: 50, cpuMs: 12.34, peakBytes: 60_400_000 };
  const results = new Map([
    ['this action', own],
    ['s5cmd', { ...own, wallMs: 200 }],
  ]);
  const shown = renderResults([
    { title: 'a', link: 'loopback', results },
    { title: 'b', link: 'loopback', results: new Map() },
    { title: 'a', link: '25ms', results: new Map([['this action', own]]) },
  ]);
  const head = [
    '',
    '| link | program | runs | wall ms | CPU ms | peak MB | this action ÷ it |',
    '| --- | --- | --- | --- | --- | --- | --- |',
  ];
  expect(shown.split('\n')).toEqual([
    ...['### a', ...head],
    '| loopback | this action | 10 | 50.0 | 12.3 | 60 |  |',
    '| loopback | s5cmd | 10 | 200 | 12.3 | 60 | 0.25 |',
    '| 25 ms | this action | 10 | 50.0 | 12.3 | 60 |  |',
    ...['', '### b', ...head],
  ]);
});
