import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { tableRow } from '../servers/table-row.ts';

const PAGE = resolve(import.meta.dirname, '..', '..', 'docs', 'reliability.md');
const SECTION = /<!-- figures -->.*<!-- \/figures -->/s;

/** What one part of the proof came to. */
export interface PartFigures {
  readonly seconds: number;
  readonly violations: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Guards that were taken out one by one; of the model alone. */
  readonly mutants: readonly MutantFigures[];
  /** Why the part did nothing. */
  readonly skipped: string | undefined;
}

/** What came of taking one guard out. */
export interface MutantFigures {
  readonly guard: string;
  /** What then broke; undefined where nothing did. */
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

/** Replaces the figures in docs/reliability.md. */
export async function publishFigures(figures: Figures): Promise<void> {
  const page = await readFile(PAGE, 'utf8');
  if (!SECTION.test(page))
    throw new Error(`${PAGE} has no place for figures between <!-- figures --> and <!-- /figures -->`);
  await writeFile(
    PAGE,
    page.replace(SECTION, () => `<!-- figures -->\n\n${render(figures)}\n\n<!-- /figures -->`),
  );
}

/** As Markdown: a table for each part. */
export function render({ date, node, seed, parts }: Figures): string {
  const head = `The last full run of \`npm run proof\`: ${date}, Node ${node}, seed \`${seed}\`.`;
  return [head, ...Object.entries(parts).map(([name, part]) => renderPart(name, part))].join('\n\n');
}

function renderPart(name: string, { counts, violations, seconds, mutants, skipped }: PartFigures): string {
  const title = `### \`${name}\``;
  if (skipped !== undefined) return `${title}\n\nSkipped: ${skipped}`;
  const minutes = Math.round(seconds / 6) / 10;
  const told = `Broken promises: ${violations}. Time: ${minutes} min.`;
  const rows = Object.entries(counts).map(([what, value]) => [what, value.toLocaleString('en')]);
  const tables = [table(['counted', 'figure'], rows)];
  if (mutants.length > 0) tables.push(table(['without', 'breaks', 'interleavings'], mutants.map(mutantRow)));
  return [title, told, ...tables].join('\n\n');
}

function mutantRow({ guard, violation, interleavings }: MutantFigures): string[] {
  return [guard, violation ?? 'nothing', interleavings.toLocaleString('en')];
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows].map(tableRow).join('\n');
}
