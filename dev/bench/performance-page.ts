import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

const PAGE = resolve(import.meta.dirname, '..', '..', 'docs', 'internals', 'performance.md');
const SECTION = /<!-- figures -->.*<!-- \/figures -->/s;

/** @throws Error if the page has no place for figures */
export function replaceFigures(page: string, figures: string): string {
  if (!SECTION.test(page)) throw new Error('the page has no <!-- figures --> and <!-- /figures -->');
  return page.replace(SECTION, () => `<!-- figures -->\n\n${figures}\n\n<!-- /figures -->`);
}

/** Replaces the figures in docs/internals/performance.md. */
export async function publishFigures(figures: string): Promise<void> {
  await writeFile(PAGE, replaceFigures(await readFile(PAGE, 'utf8'), figures));
}
