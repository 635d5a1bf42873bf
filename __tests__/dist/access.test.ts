import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionResult } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

// Which jobs may store their builds, depending on what GitHub reports about them.

const CACHING = { 'code-hash-filter': 'src/**' };

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
  await scenario.build({ 'app.zip': 'app' });
});
afterEach(() => scenario.close());

function annotations({ lines }: ActionResult): string[] {
  return lines.filter((line) => /^::(error|warning)/.test(line));
}

it('a forced build replaces the set and its copy', async () => {
  await scenario.action('upload', CACHING);
  const missed = await scenario.action('check', { ...CACHING, access: 'write' });
  expect(missed.outputs).toMatchObject({ found: 'false', reason: 'disabled' });
  expect(missed.summary).toContain("since access is 'write'");
  await scenario.build({ 'app.zip': 'built again' });
  const replaced = await scenario.action('upload', { access: 'write' });
  expect(annotations(replaced)).toEqual([]);
  expect(replaced.outputs).toMatchObject({ reason: 'uploaded', cached: 'true' });
  const sets = Object.entries(await scenario.bucketContents()).filter(([key]) => key.endsWith('app.zip'));
  expect(sets.map(([, body]) => body)).toEqual(['built again', 'built again']);
});

it('a forced build with fail-on-miss fails with the reason', async () => {
  const failed = await scenario.action('check', { access: 'write', 'fail-on-miss': 'true' });
  expect(annotations(failed)).toEqual([expect.stringContaining("Did not look for a set, since access is 'write'")]);
});

describe("GitHub's cache-mode", () => {
  const IN_ACTIONS = { GITHUB_ACTIONS: 'true' };

  it.each(['read', 'none'])("'%s' prevents writes but not reads, with one warning", async (mode) => {
    const env = { ...IN_ACTIONS, ACTIONS_CACHE_MODE: mode };
    const left = await scenario.action('upload', CACHING, { env });
    const warning = expect.stringContaining(`::warning::GitHub's cache-mode is '${mode}' in this job`);
    expect(annotations(left)).toEqual([warning]);
    expect(left.outputs).toMatchObject({ found: 'false', reason: 'read-only' });
    expect(await scenario.bucket.keys()).toEqual([]);
    await scenario.action('upload', CACHING);
    await scenario.commit();
    const found = await scenario.action('check', CACHING, { env });
    expect(annotations(found)).toEqual([warning]);
    expect(found.outputs).toMatchObject({ found: 'true', 'artifact-prefix': expect.stringMatching(/^cache\//) });
    const restored = await scenario.action('restore', {}, { env });
    expect(annotations(restored)).toEqual([expect.stringContaining('There are no assets')]);
  });

  it.each([
    ['write', {}, IN_ACTIONS],
    ['write-only', {}, IN_ACTIONS],
    ['read', { access: 'read-write' }, IN_ACTIONS],
    ['none', {}, {}],
  ])("'%s' with %j and %j changes nothing", async (mode, inputs, env) => {
    const stored = await scenario.action('upload', inputs, { env: { ...env, ACTIONS_CACHE_MODE: mode } });
    expect(annotations(stored)).toEqual([]);
    expect(stored.outputs).toMatchObject({ reason: 'uploaded' });
  });
});

describe("a stranger's pull request", () => {
  /** The variables of an event, with its payload in a file, as a runner sets them. */
  async function eventOf(name: string, head: string | null, base = 'owner/repository') {
    const path = join(scenario.temporary, 'event.json');
    const repo = head === null ? null : { full_name: head };
    await writeFile(
      path,
      JSON.stringify({ pull_request: { number: 1, head: { repo }, base: { repo: { full_name: base } } } }),
    );
    return { env: { GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: name, GITHUB_EVENT_PATH: path } };
  }

  it.each([
    ['pull_request_target', 'owner/repository', 'This job runs on pull_request_target, so a stranger may decide'],
    ['pull_request', 'stranger/repository', 'This job runs for a pull request from a fork, so a stranger may decide'],
    ['pull_request', null, 'This job runs for a pull request from a fork, so a stranger may decide'],
  ])('is not stored unless access says so: %s from %s', async (name, head, message) => {
    const event = await eventOf(name, head);
    const refused = await scenario.action('upload', { prefix: 'main' }, event);
    expect(annotations(refused)).toEqual([expect.stringContaining(`::error::${message}`)]);
    expect(annotations(refused)[0]).toContain(
      "reads the prefix 'main': set access to 'read' to store nothing, or to 'read-write'",
    );
    expect(refused.exitCode).toBe(1);
    expect(await scenario.bucket.keys()).toEqual([]);
    const left = await scenario.action('upload', { access: 'read' }, event);
    expect(left).toMatchObject({ exitCode: 0, outputs: { reason: 'read-only' } });
    for (const access of ['read-write', 'write']) {
      const stored = await scenario.action('upload', { access }, event);
      expect(stored).toMatchObject({ exitCode: 0, outputs: { reason: 'uploaded' } });
    }
  });

  it('can still be checked', async () => {
    const found = await scenario.action('check', {}, await eventOf('pull_request_target', 'stranger/repository'));
    expect(found).toMatchObject({ exitCode: 0, outputs: { found: 'false' } });
  });

  it('is not a pull request from the repository itself', async () => {
    const stored = await scenario.action('upload', {}, await eventOf('pull_request', 'owner/repository'));
    expect(stored).toMatchObject({ exitCode: 0, outputs: { reason: 'uploaded' } });
  });

  it('is also refused on the command line', async () => {
    const env = { GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'pull_request_target', GITHUB_SHA: scenario.head };
    const refused = await scenario.cli(['upload'], { env });
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('This job runs on pull_request_target');
  });
});
