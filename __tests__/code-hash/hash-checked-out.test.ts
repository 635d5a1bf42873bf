import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InputError, UserError } from '../../src/errors.ts';
import { Scenario, SOURCES } from '../support/scenario.ts';

// Which commit's code is hashed, and whether every pattern matches.

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

const OTHER = 'e'.repeat(40);

function asking(commit: string) {
  return { asked: commit, context: undefined, repositoryIsGiven: false };
}

function ofWorkflow(commit: string) {
  return { asked: undefined, context: commit, repositoryIsGiven: false };
}

describe('a code hash of another commit', () => {
  beforeEach(async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    await scenario.freshPackages();
    await scenario.build({ 'app.zip': 'app' });
  });

  it.each(['check', 'restore', 'upload'] as const)('makes a %s fail instead of being looked up', async (mode) => {
    const before = await scenario.bucketContents();
    for (const commit of [asking(OTHER), ...(mode === 'upload' ? [] : [ofWorkflow(OTHER)])]) {
      const failure = scenario[mode]({ commit });
      await expect(failure).rejects.toThrow(UserError);
      await expect(failure).rejects.toThrow(
        `The code hash of ${OTHER} is needed, but ${scenario.head} is checked out at repository-path '${scenario.root}'`,
      );
      await expect(failure).rejects.toThrow(
        `check out ${OTHER} there, set commit-sha to 'HEAD' to use ${scenario.head}`,
      );
      await expect(failure).rejects.toThrow('or give code-hash');
    }
    expect(await scenario.bucketContents()).toEqual(before);
  });

  it('is not computed by md5 either', async () => {
    const codeHash = { ...SOURCES, algorithm: 'md5', unmatchedPatterns: 'warn' } as const;
    await expect(scenario.check({ commit: asking(OTHER), codeHash })).rejects.toThrow('The code hash of');
  });

  it('may be given as an input', async () => {
    const { codeHash: value = '' } = await scenario.upload();
    const given = { kind: 'given', value } as const;
    expect(await scenario.restore({ commit: asking(OTHER), codeHash: given })).toMatchObject({ source: 'cache' });
  });

  it('is not needed by a restore that hashes nothing', async () => {
    await scenario.bucket.put(`artifacts/${OTHER}/app.zip`, 'of the other');
    expect(await scenario.restore({ commit: asking(OTHER) })).toMatchObject({ commit: OTHER, restored: true });
    expect(await scenario.restore({ commit: asking('d'.repeat(40)), codeHash: undefined })).toMatchObject({
      found: false,
    });
  });
});

describe('a pattern that matches nothing', () => {
  const patterns = ['src/**', 'package-lock.json', 'src/*.{ts,tsx}'];

  it.each(['check', 'upload'] as const)('fails a %s, which names it and suggests a correction', async (mode) => {
    await scenario.build({ 'app.zip': 'app' });
    const failure = scenario[mode]({ codeHash: { ...SOURCES, patterns } });
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow(
      `Nothing in '${scenario.root}' matches 'package-lock.json' or 'src/*.{ts,tsx}' of code-hash-filter (write 'src/*.ts src/*.tsx': braces`,
    );
    await expect(failure).rejects.toThrow("or set unmatched-patterns to 'warn'");
    expect(await scenario.bucket.keys()).toEqual([]);
    expect(await scenario.marker('.code-hash')).toBeUndefined();
  });

  it('is a warning if that is asked for, and the other patterns are hashed', async () => {
    const { codeHash } = await scenario.check();
    const lenient = { ...SOURCES, patterns, unmatchedPatterns: 'warn' } as const;
    expect(await scenario.check({ codeHash: lenient })).toMatchObject({ codeHash });
    expect(scenario.warnings()).toEqual([expect.stringContaining("'package-lock.json' or 'src/*.{ts,tsx}'")]);
  });

  it.each(['error', 'warn'] as const)('fails if no other pattern matches (%s)', async (unmatchedPatterns) => {
    const codeHash = { ...SOURCES, patterns: ['nowhere/**'], unmatchedPatterns };
    await expect(scenario.check({ codeHash })).rejects.toThrow("'nowhere/**'");
    await expect(scenario.check({ codeHash: { ...SOURCES, patterns: ['!**'] } })).rejects.toThrow(
      "code-hash-filter '!**' matches no file",
    );
  });

  it('is a warning with md5, since the Python tool ignores it', async () => {
    const codeHash = { ...SOURCES, algorithm: 'md5', patterns, unmatchedPatterns: 'warn' } as const;
    const { codeHash: value } = await scenario.check({ codeHash });
    expect(value).toMatch(/^[0-9a-f]{32}$/);
    expect(scenario.warnings()).toEqual([expect.stringContaining("'package-lock.json' or 'src/*.{ts,tsx}'")]);
    await expect(scenario.check({ codeHash: { ...codeHash, patterns: ['nowhere/**'] } })).rejects.toThrow(InputError);
  });
});

it('logs how many files were hashed', async () => {
  await scenario.commit({ 'src/a.ts': 'a', 'src/b.ts': 'b' });
  const { codeHash } = await scenario.check();
  expect(scenario.log).toContain(`The code hash is ${codeHash?.slice(0, 12)}, of 3 files.`);
  const md5 = await scenario.check({ codeHash: { ...SOURCES, algorithm: 'md5', unmatchedPatterns: 'warn' } });
  expect(scenario.log).toContain(`The code hash is ${md5.codeHash?.slice(0, 12)}, of 3 files.`);
});

describe('a filter of excluding patterns only', () => {
  const EXCLUDING = { ...SOURCES, patterns: ['!docs/**'] };

  /** The hash by the formula on the page about patterns. */
  function byShell(): string {
    const listed = scenario.git('ls-files', '-s', '-z', '--', ':(glob)**', ':(exclude,glob)docs/**', ':(literal).git');
    return createHash('sha256').update(`s3-asset-manager/code-hash/v1\0\0${listed}`).digest('hex');
  }

  it('includes everything else', async () => {
    await scenario.commit({ 'docs/a.md': 'a', 'lib/docs/b.md': 'b' });
    const { codeHash } = await scenario.check({ codeHash: EXCLUDING });
    expect(codeHash).toBe(byShell());
    expect(scenario.log).toContain(`The code hash is ${codeHash?.slice(0, 12)}, of 3 files.`);
    await scenario.commit({ 'docs/a.md': 'changed', 'docs/new.md': 'new' });
    expect(await scenario.check({ codeHash: EXCLUDING })).toMatchObject({ codeHash });
    await scenario.commit({ 'lib/docs/b.md': 'changed' });
    expect((await scenario.check({ codeHash: EXCLUDING })).codeHash).not.toBe(codeHash);
  });

  it('need not match anything', async () => {
    expect(await scenario.check({ codeHash: { ...SOURCES, patterns: ['!nowhere/**'] } })).toMatchObject({
      found: false,
    });
    expect(scenario.warnings()).toEqual([]);
  });
});
