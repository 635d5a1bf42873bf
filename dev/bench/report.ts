import type { Results } from './contest.ts';
import type { LinkName } from './link.ts';
import type { Summary } from './statistics.ts';
import type { Judgement } from './targets.ts';
import { ACTION } from './work.ts';

const MB = 1e6;

/** One work over one link. */
export interface Measured {
  readonly title: string;
  readonly link: LinkName;
  readonly results: Results;
}

export interface Judged extends Judgement {
  readonly title: string;
  readonly says: string;
  /** Undefined for a target without requests. */
  readonly link: LinkName | undefined;
}

/** Names for readers. */
const LINKS = { loopback: 'loopback', '25ms': '25 ms', '2gbit': '2 Gbit/s' } as const satisfies Record<
  LinkName,
  string
>;

/** The targets, and whether they are met, as Markdown. */
export function renderTargets(judged: readonly Judged[]): string {
  const rows = judged.map(({ title, link, says, value, isReached }) => [
    title,
    link === undefined ? '' : LINKS[link],
    says,
    value,
    isReached ? 'yes' : '**no**',
  ]);
  return renderTable(['work', 'link', 'target', 'measured', 'reached'], rows);
}

/** Every contender's medians, with a table for each work, as Markdown. */
export function renderResults(measured: readonly Measured[]): string {
  const works = Map.groupBy(measured, ({ title }) => title);
  return [...works].map(([title, links]) => `### ${title}\n\n${renderWork(links)}`).join('\n\n');
}

function renderWork(links: readonly Measured[]): string {
  const rows = links.flatMap(({ link, results }) =>
    [...results].map(([name, summary]) => [LINKS[link], name, ...figures(summary), ratio(results, summary)]),
  );
  return renderTable(['link', 'program', 'runs', 'wall ms', 'CPU ms', 'peak MB', `${ACTION} ÷ it`], rows);
}

function figures({ runs, wallMs, cpuMs, peakBytes }: Summary): string[] {
  return [String(runs), readable(wallMs), readable(cpuMs), (peakBytes / MB).toFixed(0)];
}

function readable(ms: number): string {
  return ms < 100 ? ms.toFixed(1) : ms.toFixed(0);
}

function ratio(results: Results, summary: Summary): string {
  const own = results.get(ACTION);
  return own === undefined || own === summary ? '' : (own.wallMs / summary.wallMs).toFixed(2);
}

export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
