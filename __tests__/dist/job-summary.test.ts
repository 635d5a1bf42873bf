import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionResult } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

// The page of a run: what the steps of a job, each a process of its own, add to the job summary.

const CACHING = { 'code-hash-filter': 'src/**' };
const FILES = { 'app.zip': 'app', 'nested/site.txt': 'site' };

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

/** A job whose steps' summaries are shown one below the other, as on GitHub. */
class Job {
  page = '';

  /** @returns what the step adds */
  async step(mode: string, ...options: [inputs?: Record<string, string>, env?: Record<string, string>]) {
    const { summary } = await this.run(mode, ...options);
    return summary;
  }

  async run(
    mode: string,
    inputs: Record<string, string> = {},
    env: Record<string, string> = {},
  ): Promise<ActionResult> {
    const result = await scenario.action(mode, { ...CACHING, ...inputs }, { env });
    this.page += result.summary;
    return result;
  }

  /** The headings, without links. */
  get headings(): string[] {
    return [...this.page.matchAll(/<h4>(.*)<\/h4>/g)].map(([, text = '']) => text.replaceAll(/<[^>]*>/g, ''));
  }

  get tables(): number {
    return this.page.match(/<th>(set|package)<\/th>/g)?.length ?? 0;
  }
}

async function newJob(): Promise<Job> {
  await scenario.freshPackages();
  return new Job();
}

const BUILD_NEEDED = '🔨 Build needed: nothing is stored for this commit or its code';

describe('the page of a job', () => {
  it('says in one block why a build was needed, and what was stored', async () => {
    const job = new Job();
    const missed = await job.run('check');
    expect(missed.summary).toContain(`<h4>${BUILD_NEEDED}</h4>`);
    expect(missed.summary).toContain(`<code title="${missed.outputs['code-hash']}">`);
    await scenario.build(FILES);
    const stored = await job.step('upload');
    expect(stored).toMatch(
      /^<p>📦 Stored 2 files, 7 B, in [0-9.]+ m?s, and cached for other commits of the same code<\/p>\n<details><summary>2 files<\/summary>\n/,
    );
    expect([job.headings, job.tables]).toEqual([[BUILD_NEEDED], 1]);
    expect(job.page.match(/<td><code>app.zip<\/code><\/td>/g)).toHaveLength(1);
  });

  it('says in one block that no build was needed', async () => {
    await scenario.build(FILES);
    const first = new Job();
    expect(await first.step('upload')).toMatch(
      /^<h4>📦 Stored 2 files, 7 B, and cached for other commits of the same code<\/h4>\n<table>/,
    );
    const second = await newJob();
    const found = await second.step('check');
    expect(found).toMatch(
      /<h4>✅ No build needed: built (.* ago|just now) by <a href="https:\/\/github.com\/owner\/repository\/actions\/runs\/1">run 1<\/a>, 2 files, 7 B<\/h4>/,
    );
    expect(found.endsWith('</details>\n\n')).toBe(true);
    // An upload after a hit has nothing to add.
    expect(await second.step('upload')).toBe('');
    expect(await second.step('upload', { access: 'read' })).toBe('');
    expect(await second.step('restore')).toMatch(
      /^<p>📥 Restored 2 files, 7 B, in [0-9.]+ m?s, built .* by <a .*>run 1<\/a><\/p>\n\n$/,
    );
    expect([second.headings.length, second.tables]).toEqual([1, 1]);
  });

  it('goes on after an upload without a check', async () => {
    const job = new Job();
    await scenario.build(FILES);
    await job.step('upload');
    expect(await job.step('restore')).toMatch(
      /^<p>📥 Restored 2 files, 7 B, in [0-9.]+ m?s, built .* by <a .*>run 1<\/a><\/p>\n\n$/,
    );
    expect(await job.step('check')).toMatch(/^<p>✅ No build needed: built .*, 2 files, 7 B<\/p>\n\n$/);
    expect([job.headings.length, job.tables]).toEqual([1, 1]);
  });

  it('says which run built what a restore brings back after a miss', async () => {
    const job = new Job();
    await job.step('check');
    await scenario.build(FILES);
    await new Job().step('upload', {}, { GITHUB_RUN_ID: '76', RUNNER_TEMP: '' });
    expect(await job.step('restore')).toMatch(/^<p>📥 Restored 2 files, .* by <a href=".*\/runs\/76">run 76<\/a><\/p>/);
  });

  it('has the error of a failed upload in the block of its set', async () => {
    const job = new Job();
    await job.step('check');
    await rm(scenario.packages, { recursive: true });
    expect(await job.step('upload')).toMatch(/^<p>❌ package-directory &?.*does not exist.*<\/p>\n\n$/);
    expect(job.headings).toEqual([BUILD_NEEDED]);
    // The next attempt goes on there too.
    await scenario.build(FILES);
    expect(await job.step('upload')).toMatch(/^<p>📦 Stored 2 files/);
    expect([job.headings, job.tables]).toEqual([[BUILD_NEEDED], 1]);
  });

  it('has the error of an upload that is refused before it begins', async () => {
    const job = new Job();
    const env = { GITHUB_EVENT_NAME: 'pull_request_target' };
    await job.step('check', {}, env);
    await scenario.build(FILES);
    expect(await job.step('upload', {}, env)).toMatch(/^<p>❌ This job runs on pull_request_target, .*<\/p>\n\n$/);
    expect(job.headings).toEqual([BUILD_NEEDED]);
  });

  it('has the warnings of an upload below its line', async () => {
    const job = new Job();
    await job.step('check');
    await scenario.build(FILES);
    expect(await job.step('upload', { 'code-hash-salt': 'other' })).toMatch(
      /^<p>📦 Stored .*<\/p>\n<ul>\n<li>⚠️ The check computed its code hash from another filter/,
    );
    expect(job.headings).toHaveLength(1);
  });

  it('goes on after a check that fails because nothing was found', async () => {
    const job = new Job();
    expect(await job.step('check', { 'fail-on-miss': 'true' })).toMatch(/^<h4>❌ There are no assets for commit/);
    await scenario.build(FILES);
    expect(await job.step('upload')).toMatch(/^<p>📦 Stored 2 files/);
  });

  it('has a block for each set, and names the set of a line below several', async () => {
    const job = new Job();
    for (const prefix of ['api', 'team/site']) await job.step('check', { prefix });
    await scenario.build(FILES);
    const commit = scenario.head;
    expect(await job.step('upload', { prefix: 'team/site' })).toContain(
      ` (<code title="s3://${scenario.bucket.name}/team/site/artifacts/${commit}/">team/site/artifacts/${commit.slice(0, 7)}/</code>)</p>`,
    );
    expect([job.headings, job.tables]).toEqual([[BUILD_NEEDED, BUILD_NEEDED], 2]);
    expect(await job.step('upload', { 'code-hash-filter': '' })).toMatch(/^<h4>📦 Stored 2 files/);
  });

  it('is not continued if the block is missing: in another job, or if the check wrote none', async () => {
    const job = new Job();
    await job.step('check', { 'job-summary': 'false' });
    // The command line program has no page.
    const env = { RUNNER_TEMP: scenario.temporary, GITHUB_SHA: scenario.head };
    expect((await scenario.cli(['check'], { env })).exitCode).toBe(0);
    await scenario.build(FILES);
    expect(await job.step('upload')).toMatch(/^<h4>📦 Stored 2 files/);
    const next = await newJob();
    expect(await next.step('restore')).toMatch(/^<h4>📥 Restored 2 files/);
  });

  it('is not continued on the word of the package directory', async () => {
    await scenario.build(FILES);
    await new Job().step('upload');
    const job = await newJob();
    await scenario.action('check', CACHING, { env: { RUNNER_TEMP: '' } });
    expect(await scenario.marker('.found-at')).toBeDefined();
    expect(await job.step('upload')).toMatch(
      /^<h4>📦 Nothing to upload: the set is there, as an earlier step found<\/h4>/,
    );
  });

  it('has another block, and no warning, if RUNNER_TEMP cannot be written', async () => {
    const env = { RUNNER_TEMP: join(scenario.root, 'no-such-folder') };
    await scenario.build(FILES);
    const job = new Job();
    const { lines } = await job.run('upload', {}, env);
    expect(lines.filter((line) => line.startsWith('::warning'))).toEqual([]);
    await job.step('restore', {}, env);
    expect(job.headings).toHaveLength(2);
  });
});

describe('the page of a job with several packages', () => {
  const packages = `
packages:
  api: { sources: [src/**], directory: api/dist }
  site: { sources: [src/**], directory: site/dist }`;
  const SEVERAL = { 'code-hash-filter': '', packages };

  async function build(name: string): Promise<void> {
    await mkdir(join(scenario.root, name, 'dist'), { recursive: true });
    await writeFile(join(scenario.root, name, 'dist', `${name}.zip`), name);
  }

  it('has one table, and a line for each upload and restore that names the package', async () => {
    const job = new Job();
    await job.step('check', SEVERAL);
    const nameOf = (name: string) => `>${name}/artifacts/${scenario.head.slice(0, 7)}/</code>)</p>`;
    for (const name of ['api', 'site']) {
      await build(name);
      const stored = await job.step('upload', { ...SEVERAL, package: name });
      expect(stored).toMatch(/^<p>📦 Stored 1 file, \d B, in [0-9.]+ m?s, and cached for other/);
      expect(stored).toContain(nameOf(name));
      expect(await job.step('restore', { ...SEVERAL, package: name })).toMatch(/^<p>📥 Restored 1 file/);
    }
    expect(await job.step('check', SEVERAL)).toBe('<p>✅ No build needed: all 2 packages were built before</p>\n\n');
    expect([job.headings, job.tables]).toEqual([['🔨 Build needed: 2 of 2 packages: api, site'], 1]);
  });

  it('has a block of all of them unless each has one', async () => {
    const job = new Job();
    await build('api');
    await job.step('upload', { ...SEVERAL, package: 'api' });
    expect(await job.step('check', SEVERAL)).toContain('<h4>🔨 Build needed: 1 of 2 packages: site</h4>');
    await rm(join(scenario.root, 'site'), { recursive: true, force: true });
    expect(await job.step('upload', { ...SEVERAL, package: 'site' })).toMatch(
      /^<p>❌ package-directory .*site\/artifacts/,
    );
  });
});

describe('the job summary', () => {
  it.each([
    ['check', { bucket: 's3://b' }, "❌ bucket is 's3://b'"],
    ['upload', {}, "❌ package-directory '"],
    ['restore', {}, '❌ There are no assets for commit'],
  ])('of a failed %s shows the error', async (mode, inputs, heading) => {
    const { summary, exitCode } = await scenario.action(mode, inputs);
    expect(exitCode).toBe(1);
    expect(summary).toContain(`<h4>${heading}`);
  });

  it('is not written if that is switched off', async () => {
    expect((await scenario.action('check', { 'job-summary': 'false' })).summary).toBe('');
  });

  it('fails no step if it cannot be written', async () => {
    const env = { GITHUB_STEP_SUMMARY: join(scenario.root, 'no/such/file') };
    const { exitCode, outputs: actual, lines } = await scenario.action('check', {}, { env });
    expect({ exitCode, found: actual.found }).toEqual({ exitCode: 0, found: 'false' });
    expect(lines).toContain("::warning::The job summary can't be written (ENOENT): 'job-summary: false' does without");
  });
});
