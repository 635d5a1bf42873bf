import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { tableRow } from '../servers/table-row.ts';

const PAGE = resolve(import.meta.dirname, '..', '..', 'docs', 'internals', 'reliability.md');
const SECTION = /<!-- figures -->.*<!-- \/figures -->/s;

/** Longest description of a violation. */
const MOST_CHARACTERS = 120;

/** The result of one part of the proof. */
export interface PartFigures {
  readonly seconds: number;
  readonly violations: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Guards that were removed one by one; only in the model. */
  readonly mutants: readonly MutantFigures[];
  /** Why the part did nothing. */
  readonly skipped: string | undefined;
}

/** The effect of removing one guard. */
export interface MutantFigures {
  readonly guard: string;
  /** The violation that followed; undefined if there was none. */
  readonly violation: string | undefined;
  readonly interleavings: number;
}

export interface Figures {
  readonly date: string;
  readonly node: string;
  readonly seed: string;
  readonly isQuick: boolean;
  readonly parts: Readonly<Record<string, PartFigures>>;
}

/** Replaces the figures in docs/internals/reliability.md for the parts that were run; the others stay. */
export async function publishFigures(figures: Figures): Promise<void> {
  const page = await readFile(PAGE, 'utf8');
  const [section] = SECTION.exec(page) ?? [];
  if (section === undefined)
    throw new Error(`${PAGE} has no place for figures between <!-- figures --> and <!-- /figures -->`);
  const text = render(figures, section);
  await writeFile(
    PAGE,
    page.replace(SECTION, () => `<!-- figures -->\n\n${text}\n\n<!-- /figures -->`),
  );
}

/**
 * The figures as Markdown, with a table for each part.
 *
 * @param before the previous text of the page's figures
 */
export function render(figures: Figures, before = ''): string {
  const earlier = before
    .replaceAll(/<!-- \/?figures -->/g, '')
    .split(/^(?=### )/m)
    .map((text): [string, string] => [/^### `(\w+)`/.exec(text)?.[1] ?? '', text.trim()])
    .filter(([name]) => name !== '');
  const now = Object.entries(figures.parts).map(([name, part]): [string, string] => [
    name,
    renderPart(name, part, figures),
  ]);
  return [...new Map([...earlier, ...now]).values()].join('\n\n');
}

function renderPart(name: string, part: PartFigures, { date, node, seed }: Figures): string {
  const { counts, violations, seconds, mutants, skipped } = part;
  const title = `### \`${name}\``;
  if (skipped !== undefined) return `${title}\n\nSkipped: ${skipped}`;
  const minutes = Math.round(seconds / 6) / 10;
  const result = `Broken promises: ${violations}. Time: ${minutes} min. ${date}, Node ${node}, seed \`${seed}\`.`;
  const rows = Object.entries(counts).map(([what, value]) => [what, value.toLocaleString('en')]);
  const tables = [table(['counted', 'figure'], rows)];
  if (mutants.length > 0) tables.push(table(['without', 'breaks', 'interleavings'], mutants.map(mutantRow)));
  return [title, result, ...tables].join('\n\n');
}

function mutantRow({ guard, violation, interleavings }: MutantFigures): string[] {
  const what =
    violation
      ?.replaceAll(/\s+/g, ' ')
      .replace(/ at \S+ \(file:.*/, '')
      .slice(0, MOST_CHARACTERS) ?? 'nothing';
  return [guard, what, interleavings.toLocaleString('en')];
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows].map(tableRow).join('\n');
}
