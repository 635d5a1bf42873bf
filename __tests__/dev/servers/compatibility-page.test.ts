import { describe, expect, it } from '@jest/globals';
import {
  mergeRows,
  parsePage,
  renderPage,
  type ServerRow,
  saysTheSame,
} from '../../../dev/servers/compatibility-page.ts';
import type { Probe } from '../../../dev/servers/probes/probe.ts';

function probe(behaviour: string): Probe {
  return { behaviour, consequence: `without: ${behaviour}`, expected: '', observe: async () => '' };
}

const PROBES = [probe('keeps `a|b`'), probe('counts')];

function rowOf(name: string, changes: Partial<ServerRow> = {}): ServerRow {
  const answers = new Map([
    ['keeps `a|b`', 'yes'],
    ['counts', `no: ${name} can't`],
  ]);
  const results = { testedOn: '2026-11-23', smoke: 'passed', suite: 'all 125 passed', took: '55 s' };
  return { name, version: '1.0', ...results, answers, ...changes };
}

const PAGE = renderPage([rowOf('One'), rowOf('Two')], PROBES);

describe('the page', () => {
  it('is read as it was written', () => {
    expect(parsePage(PAGE)).toEqual([rowOf('One'), rowOf('Two')]);
  });

  it.each(['', '# Another page\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n'])('has no servers in %j', (page) => {
    expect(parsePage(page)).toEqual([]);
  });

  it('keeps the servers that were not tested this time', () => {
    const fresh = rowOf('One', { version: '2.0' });
    expect(mergeRows(parsePage(PAGE), [fresh], ['Two', 'Three', 'One'])).toEqual([rowOf('Two'), fresh]);
  });

  it('marks a question that a server has not been asked yet', () => {
    const page = renderPage([rowOf('One')], [...PROBES, probe('a new one')]);
    expect(page).toContain('| a new one | without: a new one | not asked |');
  });
});

describe('two pages', () => {
  it.each<Partial<ServerRow>>([{ testedOn: '2027-01-01' }, { took: '7 s' }, { suite: 'all 126 passed' }])(
    'are the same although %j is new',
    (changes) => {
      expect(saysTheSame(PAGE, renderPage([rowOf('One', changes), rowOf('Two')], PROBES))).toBe(true);
    },
  );

  it.each<Partial<ServerRow>>([
    { version: '1.1' },
    { smoke: 'failed' },
    { suite: '1 failure, 124 passed' },
    { suite: 'all 125 passed, 1 skipped' },
    { answers: new Map([['counts', 'yes']]) },
  ])('differ if %j is new', (changes) => {
    expect(saysTheSame(PAGE, renderPage([rowOf('One', changes), rowOf('Two')], PROBES))).toBe(false);
  });
});
