import { describe, expect, it } from '@jest/globals';
import { assertCheckedOut, resolveCommit } from '../../src/asset-set/location.ts';
import type { Log, SourceTree } from '../../src/ports.ts';
import type { CommitRequest } from '../../src/run-context.ts';

const CONTEXT = 'c'.repeat(40);
const HEAD = 'd'.repeat(40);
const GIVEN = 'e'.repeat(40);

/** A repository with this commit checked out, or none. */
function checkedOut(head: string | undefined): SourceTree {
  const unused = () => {
    throw new Error('The sources are not needed');
  };
  return {
    path: 'some/path',
    exists: async () => head !== undefined,
    isRepository: async () => head !== undefined,
    head: async () => head,
    resolve: async () => undefined,
    parents: async () => [],
    ancestors: async () => [],
    nested: async () => [],
    entries: unused,
    committedEntries: unused,
    matching: unused,
    contents: unused,
  };
}

function request(overrides: Partial<CommitRequest> = {}): CommitRequest {
  return { asked: undefined, context: CONTEXT, repositoryIsGiven: false, ...overrides };
}

describe('the commit of a step', () => {
  it.each([
    ["is the workflow's", request(), HEAD, CONTEXT],
    ["is the workflow's if there is no repository", request(), undefined, CONTEXT],
    ['is the one checked out if HEAD is asked for', request({ asked: 'HEAD' }), HEAD, HEAD],
    ['is the one given', request({ asked: GIVEN }), HEAD, GIVEN],
    ['is the one checked out outside Actions', request({ context: undefined }), HEAD, HEAD],
    ['is the one given outside Actions', request({ asked: GIVEN, context: undefined }), undefined, GIVEN],
  ])('%s', async (_, asked, head, expected) => {
    expect(await resolveCommit(asked, checkedOut(head))).toBe(expected);
  });

  it.each([
    ["commit-sha is 'HEAD'", request({ asked: 'HEAD' })],
    ['There is no commit', request({ context: undefined })],
  ])('is an error if there is no source for it: %s', async (message, asked) => {
    await expect(resolveCommit(asked, checkedOut(undefined))).rejects.toThrow(message);
  });
});

describe('checking out another commit', () => {
  async function judge(asked: CommitRequest, head: string | undefined): Promise<string[]> {
    const warnings: string[] = [];
    const log: Log = { info: () => {}, debug: () => {}, warning: (line) => void warnings.push(line) };
    const commit = asked.asked ?? asked.context ?? '';
    await assertCheckedOut({ commit: asked, sources: checkedOut(head), log }, commit);
    return warnings;
  }

  it("than the workflow's is an error that names both and a fix", async () => {
    const failure = judge(request(), HEAD);
    await expect(failure).rejects.toThrow(CONTEXT);
    await expect(failure).rejects.toThrow(HEAD);
    await expect(failure).rejects.toThrow(/commit-sha to 'HEAD'.*github\.event\.pull_request\.head\.sha/);
  });

  it('than the one given is a warning that names both', async () => {
    expect(await judge(request({ asked: GIVEN }), HEAD)).toEqual([expect.stringMatching(`${GIVEN}.*${HEAD}`)]);
  });

  it('is not reported if the commits are the same', async () => {
    expect(await judge(request(), CONTEXT)).toEqual([]);
  });

  it('is not reported if there is no repository', async () => {
    expect(await judge(request(), undefined)).toEqual([]);
  });

  it('is an error if there is no repository at a path that was given', async () => {
    await expect(judge(request({ repositoryIsGiven: true }), undefined)).rejects.toThrow('repository-path');
  });
});
