import type { Answers } from './probes/ask.ts';
import type { Probe } from './probes/probe.ts';
import { splitRow, tableRow } from './table-row.ts';

/** One server's line of the page, as text for its cells. */
export interface ServerRow {
  readonly name: string;
  readonly version: string;
  /** Day, in ISO form. */
  readonly testedOn: string;
  readonly smoke: string;
  readonly suite: string;
  readonly took: string;
  /** By the behaviour of each probe. */
  readonly answers: Answers;
}

const FIELDS = ['name', 'version', 'testedOn', 'smoke', 'suite', 'took'] as const;
const RESULTS_HEADER = ['server', 'version', 'tested on', 'the action itself', 'integration suite', 'took'];
const BEHAVIOUR_HEADER = ['what S3 does', 'if a server differs'];

const INTRODUCTION = `# Compatibility

<!-- Made by \`npm run test:servers\`: changes by hand are lost. -->

How S3 servers other than AWS behave with this action. \`npm run test:servers\` starts each of them on this machine, runs the built
action (a miss, an upload with a large file and unusual names, a hit, a promotion, a verified restore, three refusals) and the
integration suite against it, and asks it how it behaves.`;

const BEHAVIOUR = `## Behaviour

What the action relies on or offers as an input, tested on each server through the AWS SDK. The second column says what happens if a server
behaves differently.`;

/** Writes the page. */
export function renderPage(rows: readonly ServerRow[], probes: readonly Probe[]): string {
  const results = [
    tableRow(RESULTS_HEADER),
    tableRow(RESULTS_HEADER.map(() => '---')),
    ...rows.map((row) => tableRow(FIELDS.map((field) => row[field]))),
  ];
  const header = [...BEHAVIOUR_HEADER, ...rows.map(({ name }) => name)];
  const behaviours = [
    tableRow(header),
    tableRow(header.map(() => '---')),
    ...probes.map(({ behaviour, consequence }) =>
      tableRow([behaviour, consequence, ...rows.map(({ answers }) => answers.get(behaviour) ?? 'not asked')]),
    ),
  ];
  return `${[INTRODUCTION, results.join('\n'), BEHAVIOUR, behaviours.join('\n')].join('\n\n')}\n`;
}

/** @returns the servers of a page as it was written; none of a page of another form */
export function parsePage(page: string): ServerRow[] {
  const lines = page.split('\n').filter((line) => line.startsWith('|'));
  const table = lines.map(splitRow);
  const start = table.findIndex(([first]) => first === BEHAVIOUR_HEADER[0]);
  if (start === -1) return [];
  const names = table[start] ?? [];
  return table.slice(2, start).map(([name = '', version = '', testedOn = '', smoke = '', suite = '', took = '']) => {
    const column = names.indexOf(name);
    const answers = new Map(table.slice(start + 2).map((cells) => [cells[0] ?? '', cells[column] ?? '']));
    return { name, version, testedOn, smoke, suite, took, answers };
  });
}

/** @returns the old rows, with the new ones in their places, in the order of the names */
export function mergeRows(
  old: readonly ServerRow[],
  fresh: readonly ServerRow[],
  names: readonly string[],
): ServerRow[] {
  return names.flatMap((name) => {
    const row = [...fresh, ...old].find((candidate) => candidate.name === name);
    return row === undefined ? [] : [row];
  });
}

/** Whether two pages say the same but for days, times and the count of the tests. */
export function saysTheSame(left: string, right: string): boolean {
  return withoutWhatPasses(left) === withoutWhatPasses(right);
}

function withoutWhatPasses(page: string): string {
  return page
    .replaceAll(/\| \d{4}-\d\d-\d\d \|/g, '| day |')
    .replaceAll(/\| \d+ s \|/g, '| time |')
    .replaceAll(/\| all \d+ passed/g, '| all passed');
}
