import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Repository } from './demo/repository.ts';
import { answerHelp } from './help.ts';
import { CREDENTIALS, startLocalS3 } from './local-s3/local-s3.ts';
import { runAction, storeInputs } from './run-action.ts';

// The pictures of the job summary in docs/guide/: the built action runs, and a browser shows what it wrote.

answerHelp(`npm run pictures

Takes the pictures of the job summary in docs/guide/, light and dark. Needs chromium on the PATH.`);

const BUCKET = 'my-assets';
const WIDTH = 900;
/** GitHub's own, as far as the summary uses it. */
const STYLE = `
  :root { color-scheme: light dark; --text: #1f2328; --page: #fff; --line: #d1d9e0; --stripe: #f6f8fa; --link: #0969da; --code: #818b981f; }
  .dark { --text: #f0f6fc; --page: #0d1117; --line: #3d444d; --stripe: #151b23; --link: #4493f8; --code: #656c7633; }
  body { margin: 0; padding: 16px 24px; color: var(--text); background: var(--page); font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
  h4 { margin: 16px 0 12px; font-size: 16px; }
  a { color: var(--link); text-decoration: none; }
  table { border-collapse: collapse; margin: 0 0 12px; }
  th, td { border: 1px solid var(--line); padding: 6px 13px; text-align: left; }
  tr:nth-child(2n) { background: var(--stripe); }
  code { background: var(--code); border-radius: 6px; padding: 0.2em 0.4em; font: 12px ui-monospace, "DejaVu Sans Mono", monospace; }
  details { margin: 0 0 12px; }`;

const summaries = await story();
for (const theme of ['light', 'dark']) await picture(theme, summaries.join('\n'));

/** A first commit is built; the next one, of the same code, is not. @returns what each step adds to the summary */
async function story(): Promise<string[]> {
  const store = await startLocalS3({ buckets: [BUCKET] });
  const root = await mkdtemp(join(tmpdir(), 's3-asset-manager-pictures-'));
  try {
    const repository = new Repository(root);
    const step = async (mode: string, commit: string, run: string): Promise<string> => {
      const { summary, exitCode, lines } = await runAction({
        cwd: root,
        env: {
          GITHUB_SHA: commit,
          GITHUB_REPOSITORY: 'acme/shop',
          GITHUB_RUN_ID: run,
          GITHUB_RUN_ATTEMPT: '1',
          GITHUB_WORKFLOW: 'Build',
        },
        inputs: {
          mode,
          ...storeInputs(BUCKET, store.url, CREDENTIALS),
          'code-hash-filter': 'src/**',
        },
      });
      if (exitCode !== 0) throw new Error(lines.join('\n'));
      return summary;
    };
    const first = await repository.commit('Say hello', { '.gitignore': 'packages/\n', 'src/app.js': 'hello\n' });
    const missed = await step('check', first.id, '76');
    await repository.write('packages', {
      'api.zip': Buffer.alloc(4_200_000, 'a'),
      'site.zip': Buffer.alloc(900_000, 'b'),
      'version.txt': '1.4.0\n',
    });
    const stored = await step('upload', first.id, '76');
    await repository.remove('packages');
    const second = await repository.commit('Mend the README', { 'README.md': '# Shop\n' });
    return [missed, stored, await step('check', second.id, '77'), await step('check', first.id, '78')];
  } finally {
    await store.close();
    await rm(root, { recursive: true, force: true });
  }
}

async function picture(theme: string, html: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 's3-asset-manager-pictures-'));
  try {
    const page = join(directory, 'page.html');
    const head = `<!doctype html><html class="${theme}"><meta charset="utf-8"><style>${STYLE}</style>`;
    await writeFile(page, `${head}<body>${html.replace('<details>', '<details open>')}`);
    execFileSync(
      'chromium',
      [
        '--headless',
        '--no-sandbox',
        '--hide-scrollbars',
        '--force-device-scale-factor=1.5',
        `--window-size=${WIDTH},760`,
        `--user-data-dir=${directory}`,
        `--screenshot=docs/guide/job-summary-${theme}.png`,
        pathToFileURL(page).href,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    console.log(`docs/guide/job-summary-${theme}.png`);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
