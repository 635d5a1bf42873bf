import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionResult } from '../../dev/run-action.ts';
import { type ActionOptions, Scenario } from '../support/scenario.ts';

// The failures that a user sees if the inputs or the checkout are wrong: one line, exit code 1, nothing found.

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

async function expectFailure(running: Promise<ActionResult>, message: RegExp): Promise<void> {
  const { lines, exitCode, stderr, outputs } = await running;
  expect(lines.filter((line) => line.startsWith('::error'))).toEqual([expect.stringMatching(message)]);
  expect(stderr).toBe('');
  expect(exitCode).toBe(1);
  expect(outputs).toEqual({});
  expect(await scenario.marker('.found')).toBeUndefined();
  expect(await scenario.bucket.keys()).toEqual([]);
}

describe('an invalid input fails the step:', () => {
  it.each([
    ['no bucket', 'check', { bucket: '' }, /bucket is not set: give its name, or set ASSETS_BUCKET$/],
    ['no mode', '', {}, /mode is not set/],
    ['an unknown mode', 'delete', {}, /mode is 'delete': give one of check, upload/],
    ['an invalid boolean', 'check', { restore: 'yes' }, /restore is 'yes': give 'true' or 'false'$/],
    ['a boolean in capitals', 'upload', { overwrite: 'TRUE' }, /overwrite is 'TRUE'/],
    ['half a pair of keys', 'check', { 'aws-secret-access-key': '' }, /belong together/],
    ['an abbreviated commit', 'check', { 'commit-sha': 'abc1234' }, /commit-sha is 'abc1234'/],
    ['a prefix with `..`', 'check', { prefix: '../other' }, /prefix is '\.\.\/other'/],
    ['a line end', 'check', { prefix: 'a\n::error::b' }, /prefix is 'a\\u\{a\}::error::b'/],
    [
      'a pattern without a match',
      'check',
      { 'code-hash-filter': 'nowhere/**' },
      /Nothing in '\.' matches 'nowhere\/\*\*' of code-hash-filter: correct or remove it/,
    ],
    ['a missing repository', 'upload', { 'repository-path': 'nowhere' }, /repository-path 'nowhere'/],
    ['a missing package directory', 'upload', { 'package-directory': 'nowhere' }, /'nowhere' does not exist/],
  ])('%s, with an error that names its value and a fix', async (_, mode, inputs, message) => {
    await scenario.build({ 'app.zip': 'app' });
    await expectFailure(scenario.action(mode, inputs), message);
  });
});

describe('a file of the runner', () => {
  it.each([
    ['GITHUB_EVENT_PATH', import.meta.filename, 'which is not JSON'],
    ['GITHUB_OUTPUT', '/no/where', "which can't be written"],
  ])('is named if it is unusable: %s', async (name, path, why) => {
    const message = new RegExp(`^::error::(Later steps can't get the outputs: )?${name} is '${path}', ${why}`);
    await expectFailure(scenario.action('check', {}, { env: { [name]: path } }), message);
  });
});

describe('an unsuitable checkout', () => {
  const OTHER = 'e'.repeat(40);
  const elsewhere: ActionOptions = { env: { GITHUB_SHA: OTHER } };

  it.each(['check', 'upload'])('fails a %s, which names both commits and a fix', async (mode) => {
    await scenario.build({ 'app.zip': 'app' });
    const message = new RegExp(`${OTHER}( is needed)?, but ${scenario.head} is checked out.*set commit-sha to 'HEAD'`);
    await expectFailure(scenario.action(mode, { 'code-hash-filter': 'src/**' }, elsewhere), message);
  });

  it('fails an upload after the check of another commit', async () => {
    await scenario.build({ 'app.zip': 'app', '.commit-hash': OTHER });
    const message = new RegExp(`says '${OTHER}', but this upload is for ${scenario.head}`);
    await expectFailure(scenario.action('upload'), message);
  });

  it.each(['check', 'restore', 'upload'])('fails a %s that has to hash another given commit', async (mode) => {
    await scenario.build({ 'app.zip': 'app' });
    const message = new RegExp(`${OTHER} is needed, but ${scenario.head} is checked out.*or give code-hash`);
    await expectFailure(scenario.action(mode, { 'code-hash-filter': 'src/**', 'commit-sha': OTHER }), message);
  });

  it('fails an upload if the repository is in a folder that no input names', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await mkdir(join(scenario.root, 'repo'));
    await rename(join(scenario.root, '.git'), join(scenario.root, 'repo/.git'));
    const message = new RegExp(
      `but one at 'repo' \\(${scenario.head}\\), .* commit ${OTHER}: set repository-path to 'repo'`,
    );
    await expectFailure(scenario.action('upload', {}, elsewhere), message);
  });

  it('fails if no temporary folder can be made for hashing', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await writeFile(join(scenario.root, 'src/new.txt'), 'new');
    const filter = { 'code-hash-filter': 'src/**' };
    const env = { TMPDIR: '/no/such/folder', TMP: '/no/such/folder', TEMP: '/no/such/folder' };
    await expectFailure(
      scenario.action('check', filter, { env: { ...env, RUNNER_TEMP: '/nor/this' } }),
      /'\/nor\/this' \(ENOENT\) or '\/no\/such\/folder' \(ENOENT\): let RUNNER_TEMP or TMPDIR name/,
    );
    const there = await scenario.action('check', filter, { env: { ...env, RUNNER_TEMP: scenario.packages } });
    expect(there.exitCode).toBe(0);
  });

  it('fails if there is no repository to hash', async () => {
    await rm(join(scenario.root, '.git'), { recursive: true });
    await expectFailure(
      scenario.action('check', { 'code-hash-filter': 'src/**' }, elsewhere),
      /There is no git repository at repository-path/,
    );
  });

  it('fails outside Actions if no commit is known', async () => {
    await rm(join(scenario.root, '.git'), { recursive: true });
    await expectFailure(scenario.action('check', {}, { env: { GITHUB_SHA: '' } }), /There is no commit to file assets/);
  });

  it('fails an upload without files', async () => {
    await scenario.build({});
    await expectFailure(scenario.action('upload'), /There is nothing to upload in \.\/packages/);
  });
});
