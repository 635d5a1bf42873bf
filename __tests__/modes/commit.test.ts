import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { gitSourceTree } from '../../src/code-hash/code-hash.ts';
import { Scenario } from '../support/scenario.ts';

// Which commit a set is stored under, in a real repository.

let scenario: Scenario;
let elsewhere: string;
beforeEach(async () => {
  scenario = await Scenario.create();
  elsewhere = await mkdtemp(join(tmpdir(), 's3-asset-manager-elsewhere-'));
});
afterEach(async () => {
  await scenario.close();
  await rm(elsewhere, { recursive: true, force: true });
});

const OTHER = 'e'.repeat(40);
const ASKED = { asked: undefined, context: undefined, repositoryIsGiven: false } as const;

/** The sources at a path that is not a repository. */
function noRepository(path = elsewhere) {
  return { sources: gitSourceTree({ repositoryPath: path, packageDirectory: scenario.packages }) };
}

describe('a check', () => {
  it('that hashes sources refuses a commit other than the one checked out', async () => {
    const failure = scenario.check({ commit: { ...ASKED, context: OTHER } });
    await expect(failure).rejects.toThrow(OTHER);
    await expect(failure).rejects.toThrow(scenario.head);
    await expect(failure).rejects.toThrow("commit-sha to 'HEAD'");
    expect(await scenario.marker('.found')).toBeUndefined();
    expect(await scenario.marker('.code-hash')).toBeUndefined();
  });

  it('that hashes nothing does not compare commits', async () => {
    expect(await scenario.check({ commit: { ...ASKED, context: OTHER }, codeHash: undefined })).toMatchObject({
      commit: OTHER,
      found: false,
    });
  });

  it('uses the checked-out commit if commit-sha is HEAD', async () => {
    expect(await scenario.check({ commit: { ...ASKED, asked: 'HEAD', context: OTHER } })).toMatchObject({
      commit: scenario.head,
    });
    expect(await scenario.marker('.commit-hash')).toBe(scenario.head);
  });

  it('uses the checked-out commit outside Actions', async () => {
    expect(await scenario.check({ commit: ASKED })).toMatchObject({ commit: scenario.head });
  });

  it("uses the workflow's commit if there is no repository", async () => {
    const request = { commit: { ...ASKED, context: OTHER }, codeHash: undefined };
    expect(await scenario.check(request, noRepository())).toMatchObject({ commit: OTHER, found: false });
  });

  it('fails if there is no repository to hash', async () => {
    const commit = { ...ASKED, context: OTHER };
    await expect(scenario.check({ commit }, noRepository())).rejects.toThrow(
      `There is no git repository at repository-path '${elsewhere}': check out ${OTHER} there before this step, or give code-hash`,
    );
  });

  it('finds a set by its commit even if there is no repository to hash', async () => {
    await scenario.bucket.put(`artifacts/${OTHER}/app.zip`, 'app');
    const commit = { ...ASKED, context: OTHER };
    expect(await scenario.check({ commit }, noRepository())).toMatchObject({ found: true, reason: 'legacy' });
  });

  it.each(['the path is missing', 'nothing is checked out there'])('fails if %s', async (why) => {
    const commit = { ...ASKED, context: OTHER, repositoryIsGiven: true };
    const path = why === 'the path is missing' ? join(elsewhere, 'missing') : elsewhere;
    await expect(scenario.check({ commit }, noRepository(path))).rejects.toThrow('repository-path');
  });

  it('fails if no commit is known', async () => {
    await expect(scenario.check({ commit: ASKED }, noRepository())).rejects.toThrow(
      'There is no commit to file assets',
    );
    await expect(scenario.check({ commit: { ...ASKED, asked: 'HEAD' } }, noRepository())).rejects.toThrow("'HEAD'");
  });
});

describe('an upload', () => {
  beforeEach(() => scenario.build({ 'app.zip': 'app' }));

  it('refuses a commit other than the one checked out', async () => {
    const failure = scenario.upload({ commit: { ...ASKED, context: OTHER }, codeHash: undefined });
    await expect(failure).rejects.toThrow(OTHER);
    await expect(failure).rejects.toThrow(scenario.head);
    expect(await scenario.bucket.keys()).toEqual([]);
  });

  it('accepts an explicit commit, with a warning', async () => {
    await scenario.upload({ commit: { ...ASKED, asked: OTHER }, codeHash: undefined });
    expect(await scenario.bucket.keys('artifacts/')).toEqual([`artifacts/${OTHER}/app.zip`]);
    expect(scenario.warnings()).toEqual([expect.stringContaining(`commit-sha is ${OTHER}`)]);
  });

  it("uses the workflow's commit if there is no repository, and warns that it could not be compared", async () => {
    const request = { commit: { ...ASKED, context: OTHER }, codeHash: undefined };
    expect(await scenario.upload(request, noRepository())).toMatchObject({ commit: OTHER, reason: 'uploaded' });
    expect(scenario.log).toContain(
      `There is no git repository at repository-path '${elsewhere}', so nothing confirms that this is a build of ${OTHER}.`,
    );
    expect(scenario.warnings()).toEqual([]);
  });

  describe('with a repository in a folder below', () => {
    let commit = '';
    beforeEach(() => {
      execFileSync('git', ['clone', '--quiet', scenario.root, join(elsewhere, 'repo')]);
      commit = scenario.head;
    });

    it("refuses the workflow's commit if another one is checked out there, and suggests repository-path", async () => {
      const request = { commit: { ...ASKED, context: OTHER }, codeHash: undefined };
      const failure = scenario.upload(request, noRepository());
      await expect(failure).rejects.toThrow(
        `There is no git repository at repository-path '${elsewhere}', but one at '${join(elsewhere, 'repo')}' (${commit}), and the workflow runs for commit ${OTHER}: set repository-path to '${join(elsewhere, 'repo')}'`,
      );
      expect(await scenario.bucket.keys()).toEqual([]);
    });

    it('succeeds if that same commit is checked out there', async () => {
      const request = { commit: { ...ASKED, context: commit }, codeHash: undefined };
      expect(await scenario.upload(request, noRepository())).toMatchObject({ commit });
    });

    it('accepts an explicit commit', async () => {
      const request = { commit: { ...ASKED, asked: OTHER }, codeHash: undefined };
      expect(await scenario.upload(request, noRepository())).toMatchObject({ commit: OTHER });
    });

    it('suggests it to a check that has nothing to hash', async () => {
      const failure = scenario.check({ commit: { ...ASKED, context: commit } }, noRepository());
      const repo = join(elsewhere, 'repo');
      await expect(failure).rejects.toThrow(
        `There is no git repository at repository-path '${elsewhere}', but one at '${repo}': set repository-path to '${repo}', or give code-hash`,
      );
    });
  });

  describe('with a repository that has no commit yet', () => {
    const where = () => `No commit is checked out at repository-path '${elsewhere}'`;
    beforeEach(() => {
      execFileSync('git', ['init', '--quiet', elsewhere]);
    });

    it('says that no commit is checked out', async () => {
      const commit = { ...ASKED, context: OTHER };
      expect(await scenario.upload({ commit, codeHash: undefined }, noRepository())).toMatchObject({ commit: OTHER });
      expect(scenario.log).toContain(`${where()}, so nothing confirms that this is a build of ${OTHER}.`);
      const given = { commit: { ...commit, repositoryIsGiven: true }, codeHash: undefined };
      await expect(scenario.upload(given, noRepository())).rejects.toThrow(`${where()}: correct the path`);
    });

    it('says so to a check that has nothing to hash', async () => {
      const failure = scenario.check({ commit: { ...ASKED, context: OTHER } }, noRepository());
      await expect(failure).rejects.toThrow(`${where()}: check out ${OTHER} there before this step`);
    });
  });

  it('fails if the given repository does not exist', async () => {
    const request = { commit: { ...ASKED, context: OTHER, repositoryIsGiven: true }, codeHash: undefined };
    await expect(scenario.upload(request, noRepository())).rejects.toThrow(`repository-path '${elsewhere}'`);
    expect(await scenario.bucket.keys()).toEqual([]);
  });

  it('does not take a folder of the repository for the repository', async () => {
    await mkdir(join(scenario.root, 'folder'));
    const request = { commit: { ...ASKED, context: OTHER, repositoryIsGiven: true }, codeHash: undefined };
    await expect(scenario.upload(request, noRepository(join(scenario.root, 'folder')))).rejects.toThrow();
    expect(await scenario.bucket.keys()).toEqual([]);
  });
});

describe('before anything is looked up', () => {
  it("refuses a workflow's commit that is not a commit id", async () => {
    const commit = { ...ASKED, context: 'main' };
    await expect(scenario.check({ commit, codeHash: undefined })).rejects.toThrow("GITHUB_SHA is 'main'");
  });

  it('fails if the given repository does not exist, even if nothing is hashed', async () => {
    const commit = { ...ASKED, context: OTHER, repositoryIsGiven: true };
    const sources = gitSourceTree({ repositoryPath: `${scenario.root}/nowhere`, packageDirectory: scenario.packages });
    await expect(scenario.check({ commit, codeHash: undefined }, { sources })).rejects.toThrow(
      `repository-path '${scenario.root}/nowhere'`,
    );
  });
});
