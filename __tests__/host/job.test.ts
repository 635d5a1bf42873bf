import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { jobOf } from '../../src/host/job.ts';

// Variables as in each system's documentation.

const GITHUB = {
  GITHUB_ACTIONS: 'true',
  GITHUB_SHA: 'c1',
  GITHUB_REPOSITORY: 'owner/repository',
  GITHUB_RUN_ID: '12',
  GITHUB_RUN_NUMBER: '76',
  GITHUB_RUN_ATTEMPT: '2',
  GITHUB_WORKFLOW: 'CI',
  GITHUB_REF: 'refs/heads/main',
  GITHUB_SERVER_URL: 'https://github.com',
};
const GITLAB = {
  GITLAB_CI: 'true',
  CI_PROJECT_PATH: 'group/project',
  CI_JOB_ID: '4711',
  CI_JOB_NAME: 'build',
  CI_COMMIT_REF_NAME: 'main',
  CI_JOB_URL: 'https://gitlab.com/group/project/-/jobs/4711',
  CI_COMMIT_BEFORE_SHA: 'b1',
  CI_MERGE_REQUEST_DIFF_BASE_SHA: 'b2',
};
const BUILDKITE = {
  BUILDKITE: 'true',
  BUILDKITE_BUILD_NUMBER: '7',
  BUILDKITE_ORGANIZATION_SLUG: 'acme',
  BUILDKITE_PIPELINE_SLUG: 'app',
  BUILDKITE_JOB_ID: '0190-a',
  BUILDKITE_LABEL: 'Build',
  BUILDKITE_BRANCH: 'main',
  BUILDKITE_BUILD_URL: 'https://buildkite.com/acme/app/builds/7',
  BUILDKITE_RETRY_COUNT: '1',
};
const CIRCLE = {
  CIRCLECI: 'true',
  CIRCLE_PROJECT_USERNAME: 'acme',
  CIRCLE_PROJECT_REPONAME: 'app',
  CIRCLE_BUILD_NUM: '99',
  CIRCLE_JOB: 'build',
  CIRCLE_BRANCH: 'main',
  CIRCLE_BUILD_URL: 'https://circleci.com/gh/acme/app/99',
};
const BITBUCKET = {
  BITBUCKET_BUILD_NUMBER: '5',
  BITBUCKET_REPO_FULL_NAME: 'acme/app',
  BITBUCKET_TAG: 'v1',
  BITBUCKET_GIT_HTTP_ORIGIN: 'https://bitbucket.org/acme/app',
};
const AZURE = {
  TF_BUILD: 'True',
  SYSTEM_TEAMPROJECT: 'shop',
  SYSTEM_TEAMPROJECTID: '1b4e',
  SYSTEM_COLLECTIONURI: 'https://dev.azure.com/acme/',
  SYSTEM_STAGENAME: 'build',
  SYSTEM_STAGEATTEMPT: '2',
  BUILD_REPOSITORY_NAME: 'app',
  BUILD_BUILDID: '31',
  BUILD_DEFINITIONNAME: 'CI',
  BUILD_SOURCEBRANCH: 'refs/heads/main',
};
const JENKINS = {
  GIT_PREVIOUS_SUCCESSFUL_COMMIT: 'b1',
  JENKINS_URL: 'https://ci.example.com/',
  JOB_NAME: 'app/main',
  BUILD_NUMBER: '8',
  BRANCH_NAME: 'main',
  BUILD_URL: 'https://ci.example.com/job/app/job/main/8/',
};
const CONCOURSE = {
  BUILD_PIPELINE_NAME: 'app',
  BUILD_TEAM_NAME: 'main',
  BUILD_JOB_NAME: 'build',
  BUILD_ID: '777',
  ATC_EXTERNAL_URL: 'https://concourse.example.com',
};

const SYSTEMS: [string, Record<string, string>, object][] = [
  [
    'GitHub Actions',
    GITHUB,
    {
      sha: 'c1',
      repository: 'owner/repository',
      runId: '12',
      runNumber: '76',
      runAttempt: '2',
      workflow: 'CI',
      ref: 'refs/heads/main',
      url: 'https://github.com/owner/repository/actions/runs/12',
    },
  ],
  [
    'GitLab',
    GITLAB,
    {
      repository: 'group/project',
      runId: '4711',
      workflow: 'build',
      ref: 'main',
      baselines: { before: 'b1', base: 'b2' },
      url: GITLAB.CI_JOB_URL,
    },
  ],
  [
    'Buildkite',
    BUILDKITE,
    {
      repository: 'acme/app',
      runId: '0190-a',
      runNumber: '7',
      workflow: 'Build',
      ref: 'main',
      url: 'https://buildkite.com/acme/app/builds/7#0190-a',
    },
  ],
  [
    'CircleCI',
    CIRCLE,
    { repository: 'acme/app', runId: '99', workflow: 'build', ref: 'main', url: CIRCLE.CIRCLE_BUILD_URL },
  ],
  [
    'Bitbucket',
    BITBUCKET,
    { repository: 'acme/app', runId: '5', ref: 'v1', url: 'https://bitbucket.org/acme/app/pipelines/results/5' },
  ],
  [
    'Azure Pipelines',
    AZURE,
    {
      repository: 'shop/app',
      runId: '31/build',
      runAttempt: '2',
      workflow: 'CI',
      ref: 'refs/heads/main',
      url: 'https://dev.azure.com/acme/1b4e/_build/results?buildId=31',
    },
  ],
  [
    'Jenkins',
    JENKINS,
    { repository: 'app/main', runId: '8', ref: 'main', baselines: { before: 'b1' }, url: JENKINS.BUILD_URL },
  ],
  [
    'Concourse',
    CONCOURSE,
    { repository: 'main/app', runId: '777', workflow: 'build', url: 'https://concourse.example.com/builds/777' },
  ],
];

describe.each(SYSTEMS)('a job of %s', (_, environment, job) => {
  it('is read from its variables', () => {
    expect(jobOf(environment)).toEqual(job);
  });

  it('keeps the rest if any of them is missing or empty', () => {
    for (const name of Object.keys(environment)) {
      const { [name]: _missing, ...others } = environment;
      expect(jobOf({ ...environment, [name]: ' ' })).toEqual(jobOf(others));
      for (const text of Object.values(jobOf(others))) expect(text).not.toBe('');
    }
  });
});

it('there is no job outside a CI system', () => {
  expect(jobOf({ PATH: '/bin', BUILD_NUMBER: '1' })).toEqual({});
});

const SIGNS: Readonly<Record<string, readonly string[]>> = {
  GitLab: ['GITLAB_CI'],
  Concourse: [],
  Jenkins: ['JENKINS_URL'],
  Buildkite: ['BUILDKITE'],
  CircleCI: ['CIRCLECI'],
  Bitbucket: [],
  Azure: ['TF_BUILD'],
};

describe('the table of the documentation', () => {
  const page = readFileSync(resolve(import.meta.dirname, '..', '..', 'docs', 'guide', 'other-ci.md'), 'utf8');
  const [, section = ''] = page.split('## What a run is called');
  const rows = [...section.matchAll(/^\| (\w+) +\| (`.*?) *\| (`.*?) *\| (.*?) *\|$/gm)].map((row) => row.slice(1));

  it('has every system but GitHub', () => {
    expect(rows.map(([system = '']) => system).toSorted()).toEqual(Object.keys(SIGNS).toSorted());
  });

  it.each(rows)('shows the name of a run of %s', (system = '', repository = '', run = '', workflow = '') => {
    const variables = [repository, run, workflow].flatMap((cell) => cell.match(/\w+/g) ?? []);
    const job = jobOf(Object.fromEntries([...(SIGNS[system] ?? []), ...variables].map((name) => [name, name])));
    const said = [job.repository, job.runId, job.workflow].map((text) => text ?? '');
    expect(said).toEqual([repository, run, workflow].map((cell) => cell.replaceAll('`', '')));
  });
});
