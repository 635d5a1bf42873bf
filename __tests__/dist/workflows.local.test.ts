import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BUCKET, GitHubMachine, hasAct, REGION } from '../support/act.ts';

// The workflows for GitHub in examples/ and the documentation, run by nektos/act locally: `npm run test:workflows`.

const ROOT = resolve(import.meta.dirname, '..', '..');
const WORKFLOW = '.github/workflows/build.yml';
const PAGE = 'docs/guide/packages.md';

if (!hasAct) console.warn('The workflows are not run, since act (https://github.com/nektos/act) is not on the PATH.');
const withAct = hasAct ? describe : describe.skip;

let github: GitHubMachine;
beforeEach(async () => {
  if (hasAct) github = await GitHubMachine.start();
});
afterEach(() => github?.[Symbol.asyncDispose]());

function example(name: string): Promise<string> {
  return readFile(join(ROOT, 'examples', name), 'utf8');
}

/** The only block of a page that contains a text. */
async function blockOf(page: string, part: string): Promise<string> {
  const markdown = await readFile(join(ROOT, page), 'utf8');
  const blocks = [...markdown.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block = '']) => block);
  const found = blocks.filter((block) => block.includes(part));
  expect([page, found.length]).toEqual([page, 1]);
  return found[0] ?? '';
}

/** `make` fills dist/, and `make assets` fills packages/, with different content each time. */
const MAKEFILE = `.PHONY: dist assets
dist:
\tmkdir -p dist
\tdate +%s%N >dist/app.zip
assets:
\tmkdir -p packages
\tdate +%s%N >packages/app.zip
`;

/** @returns the asset stored for the checked-out commit */
function stored(prefix = ''): string | undefined {
  const key = `${prefix}artifacts/${github.scenario.head}/app.zip`;
  return github.server.get(BUCKET, key)?.content.text();
}

/** The credentials that a workflow without a role finds on its machine. */
const KEYS = { AWS_REGION: REGION, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testsecret1' };

withAct.each([
  ['examples/github.yml', () => example('github.yml'), ['build: success', 'deploy: success'], 'ls -l packages'],
  [
    "README.md's workflow",
    () => blockOf('README.md', 'name: Build'),
    ['build: success'],
    'echo "The assets are at $URI"',
  ],
])('%s', (_, workflow, jobs, last) => {
  it('builds each piece of code once', async () => {
    const { scenario } = github;
    const files = { 'package-lock.json': '{}', Makefile: MAKEFILE, [WORKFLOW]: await workflow() };
    await scenario.commit(files);
    expect(await github.push()).toEqual({ jobs, scripts: [last, 'make assets'].toSorted() });
    const first = stored();
    await scenario.commit({ 'README.md': 'changed' });
    expect(await github.push()).toEqual({ jobs, scripts: [last] });
    expect(stored()).toBe(first);
    await scenario.commit({ 'src/main.txt': 'changed' });
    expect(await github.push()).toEqual({ jobs, scripts: [last, 'make assets'].toSorted() });
    expect(stored()).not.toBe(first);
  });
});

/** A package builds its own sources and those of `shared`. */
const MONOREPO = {
  '.gitignore': 'packages/\ndist/\n',
  'package-lock.json': '{}',
  'shared/s.ts': '',
  'api/a.ts': '',
  'api/Makefile': MAKEFILE,
  'site/s.ts': '',
  'site/Makefile': MAKEFILE,
};

const CHECKED = 'check: success';
const LAST = 'packages: success';

withAct('examples/monorepo.yml', () => {
  beforeEach(async () => {
    await github.scenario.commit({ ...MONOREPO, [WORKFLOW]: await example('monorepo.yml') });
  });

  const API = 'make -C api assets';
  const SITE = 'make -C site assets';
  const BUILT = { jobs: ['build api: success', 'build site: success', CHECKED, LAST], scripts: [API, SITE] };
  const SKIPPED = { jobs: [CHECKED, LAST], scripts: [] };

  it('builds all packages at first, then none, then those that depend on a change', async () => {
    const { scenario } = github;
    expect(await github.push()).toEqual(BUILT);
    expect(await github.push()).toEqual(SKIPPED);
    await scenario.commit({ 'README.md': 'changed', 'api/README.md': 'changed' });
    expect(await github.push()).toEqual(SKIPPED);
    const api = stored('api/');
    expect(api).toMatch(/^\d+\n$/);
    await scenario.commit({ 'site/s.ts': 'changed' });
    expect(await github.push()).toEqual({ jobs: ['build site: success', CHECKED, LAST], scripts: [SITE] });
    expect(stored('api/')).toBe(api);
    await scenario.commit({ 'shared/s.ts': 'changed' });
    expect(await github.push()).toEqual(BUILT);
  });

  it('fails its last job if a package could not be built, and builds that package again', async () => {
    const { server } = github;
    server.fault = ({ operation, key = '' }) =>
      operation === 'PutObject' && key.startsWith('site/artifacts/')
        ? { kind: 'error', status: 403, code: 'AccessDenied' }
        : undefined;
    const failed = ['build api: success', 'build site: failure', CHECKED, 'packages: failure'];
    expect(await github.push()).toEqual({ jobs: failed, scripts: [API, SITE] });
    server.fault = undefined;
    expect(await github.push()).toEqual({ jobs: ['build site: success', CHECKED, LAST], scripts: [SITE] });
  });
});

withAct.each(['README.md', PAGE])('the recipe for a monorepo in %s', (page) => {
  const always = [CHECKED, LAST];

  it('builds missing packages', async () => {
    const { scenario } = github;
    const workflow = `on: push\n${await blockOf(page, 'fromJSON(')}`;
    await scenario.commit({ ...MONOREPO, 'packages.yml': await blockOf(PAGE, '$schema='), [WORKFLOW]: workflow });
    const all = ['build api: success', 'build site: success', ...always].toSorted();
    expect(await github.push(KEYS)).toEqual({ jobs: all, scripts: ['make -C api', 'make -C site'] });
    await scenario.commit({ 'README.md': 'changed' });
    expect(await github.push(KEYS)).toEqual({ jobs: always, scripts: [] });
    await scenario.commit({ 'api/a.ts': 'changed' });
    const one = ['build api: success', ...always].toSorted();
    expect(await github.push(KEYS)).toEqual({ jobs: one, scripts: ['make -C api'] });
  });
});
