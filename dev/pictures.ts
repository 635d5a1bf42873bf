import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { answerHelp } from './help.ts';
import { hostilePage, manyFilesPage, packagesPage, type StagedPage, storyPage } from './pictures/pages.ts';

// Takes the pictures of the job summary: the built action runs, and a browser shows its pages.

answerHelp(`npm run pictures [-- DIRECTORY]

Takes the pictures of the job summary in docs/guide/, or in another directory, light and dark: sets of no,
3, 1,000 and 10,000 files, several packages, and hostile names. Needs chromium on the PATH.`);

const WIDTH = 900;
/** GitHub's own style, as far as the summary uses it. */
const STYLE = `
  :root { color-scheme: light dark; --text: #1f2328; --page: #fff; --line: #d1d9e0; --stripe: #f6f8fa; --link: #0969da; --code: #818b981f; }
  .dark { --text: #f0f6fc; --page: #0d1117; --line: #3d444d; --stripe: #151b23; --link: #4493f8; --code: #656c7633; }
  body { margin: 0; padding: 16px 24px; color: var(--text); background: var(--page); font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; overflow-wrap: break-word; }
  h4 { margin: 16px 0 12px; font-size: 16px; }
  p, ul { margin: 0 0 12px; }
  ul { padding-left: 2em; }
  a { color: var(--link); text-decoration: none; }
  table { display: block; width: max-content; max-width: 100%; overflow: auto; border-collapse: collapse; margin: 0 0 12px; }
  th, td { border: 1px solid var(--line); padding: 6px 13px; text-align: left; }
  tr:nth-child(2n) { background: var(--stripe); }
  code { background: var(--code); border-radius: 6px; padding: 0.2em 0.4em; font: 12px ui-monospace, "DejaVu Sans Mono", monospace; white-space: break-spaces; }
  details { margin: 0 0 12px; }`;

const [directory = 'docs/guide'] = process.argv.slice(2);
await mkdir(directory, { recursive: true });
await take(directory, await storyPage());
for (const count of [0, 1000, 10_000]) await take(directory, await manyFilesPage(count));
await take(directory, await packagesPage());
await take(directory, await hostilePage());

async function take(folder: string, page: StagedPage): Promise<void> {
  for (const theme of ['light', 'dark']) await picture(join(folder, `${page.name}-${theme}.png`), theme, page);
}

async function picture(file: string, theme: string, { html, height }: StagedPage): Promise<void> {
  const temporary = await mkdtemp(join(tmpdir(), 's3-asset-manager-pictures-'));
  try {
    const page = join(temporary, 'page.html');
    const head = `<!doctype html><html class="${theme}"><meta charset="utf-8"><style>${STYLE}</style>`;
    await writeFile(page, `${head}<body>${html}`);
    execFileSync(
      'chromium',
      [
        '--headless',
        '--no-sandbox',
        '--hide-scrollbars',
        '--force-device-scale-factor=1.5',
        `--window-size=${WIDTH},${height}`,
        `--user-data-dir=${temporary}`,
        `--screenshot=${file}`,
        pathToFileURL(page).href,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    console.log(file);
  } finally {
    await rm(temporary, { recursive: true, force: true, maxRetries: 5 });
  }
}
