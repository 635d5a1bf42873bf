import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

const PAGE = resolve(import.meta.dirname, '..', '..', 'docs', 'reliability.md');
const SECTION = /<!-- figures -->.*<!-- \/figures -->/s;

/** What one part of the proof came to. */
export interface PartFigures {
  readonly seconds: number;
  readonly violations: number;
  readonly counts: Readonly<Record<string, number>>;
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

function render({ date, node, seed, parts }: Figures): string {
  const rows = Object.entries(parts).map(([name, { counts, violations, seconds }]) => {
    const told = Object.entries(counts).map(([what, value]) => `${value.toLocaleString('en')} ${what}`);
    return `| ${name} | ${told.join('<br>')} | ${violations} | ${Math.round(seconds / 6) / 10} min |`;
  });
  return [
    `The last full run of \`npm run proof\`: ${date}, Node ${node}, seed \`${seed}\`.`,
    '',
    '| part | figures | broken promises | time |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
