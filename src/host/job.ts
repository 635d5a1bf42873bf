import type { JobContext } from './host.ts';
import { actionsJob } from './system.ts';

/** @returns a variable's value; undefined if it is not set or empty */
type Read = (name: string) => string | undefined;

/**
 * How to read the job from each system's variables. `runAttempt` is set only for systems that number the attempts of
 * one run, since a later attempt takes over what an earlier one left unfinished.
 */
const SYSTEMS: readonly { readonly sign: string; readonly job: (read: Read) => JobContext }[] = [
  { sign: 'GITHUB_ACTIONS', job: actionsJob },
  // https://docs.gitlab.com/ci/variables/predefined_variables/
  {
    sign: 'GITLAB_CI',
    job: (read) => ({
      repository: read('CI_PROJECT_PATH'),
      runId: read('CI_JOB_ID'),
      workflow: read('CI_JOB_NAME'),
      ref: read('CI_COMMIT_REF_NAME'),
      baselines: { before: read('CI_COMMIT_BEFORE_SHA'), base: read('CI_MERGE_REQUEST_DIFF_BASE_SHA') },
      url: read('CI_JOB_URL'),
    }),
  },
  // https://buildkite.com/docs/pipelines/configure/environment-variables
  {
    sign: 'BUILDKITE',
    job: (read) => ({
      repository: joined(read, ['BUILDKITE_ORGANIZATION_SLUG', '/', 'BUILDKITE_PIPELINE_SLUG']),
      runId: read('BUILDKITE_JOB_ID'),
      runNumber: read('BUILDKITE_BUILD_NUMBER'),
      workflow: read('BUILDKITE_LABEL'),
      ref: read('BUILDKITE_BRANCH'),
      url: joined(read, ['BUILDKITE_BUILD_URL', '#', 'BUILDKITE_JOB_ID']),
    }),
  },
  // https://circleci.com/docs/variables/
  {
    sign: 'CIRCLECI',
    job: (read) => ({
      repository: joined(read, ['CIRCLE_PROJECT_USERNAME', '/', 'CIRCLE_PROJECT_REPONAME']),
      runId: read('CIRCLE_BUILD_NUM'),
      workflow: read('CIRCLE_JOB'),
      ref: read('CIRCLE_BRANCH') ?? read('CIRCLE_TAG'),
      url: read('CIRCLE_BUILD_URL'),
    }),
  },
  // https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/
  {
    sign: 'BITBUCKET_BUILD_NUMBER',
    job: (read) => ({
      repository: read('BITBUCKET_REPO_FULL_NAME'),
      runId: read('BITBUCKET_BUILD_NUMBER'),
      ref: read('BITBUCKET_BRANCH') ?? read('BITBUCKET_TAG'),
      url: joined(read, ['BITBUCKET_GIT_HTTP_ORIGIN', '/pipelines/results/', 'BITBUCKET_BUILD_NUMBER']),
    }),
  },
  // https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables
  {
    sign: 'TF_BUILD',
    job: (read) => ({
      repository: joined(read, ['SYSTEM_TEAMPROJECT', '/', 'BUILD_REPOSITORY_NAME']),
      runId: joined(read, ['BUILD_BUILDID', '/', 'SYSTEM_STAGENAME']) ?? read('BUILD_BUILDID'),
      runAttempt: read('SYSTEM_STAGEATTEMPT'),
      workflow: read('BUILD_DEFINITIONNAME'),
      ref: read('BUILD_SOURCEBRANCH'),
      url: joined(read, ['SYSTEM_COLLECTIONURI', 'SYSTEM_TEAMPROJECTID', '/_build/results?buildId=', 'BUILD_BUILDID']),
    }),
  },
  // https://www.jenkins.io/doc/book/pipeline/jenkinsfile/#using-environment-variables
  {
    sign: 'JENKINS_URL',
    job: (read) => ({
      repository: read('JOB_NAME'),
      runId: read('BUILD_NUMBER'),
      ref: read('BRANCH_NAME') ?? read('GIT_BRANCH'),
      baselines: { before: read('GIT_PREVIOUS_SUCCESSFUL_COMMIT') ?? read('GIT_PREVIOUS_COMMIT') },
      url: read('BUILD_URL'),
    }),
  },
  // Set only for resources: https://concourse-ci.org/implementing-resource-types.html#resource-metadata
  {
    sign: 'BUILD_PIPELINE_NAME',
    job: (read) => ({
      repository: joined(read, ['BUILD_TEAM_NAME', '/', 'BUILD_PIPELINE_NAME']),
      runId: read('BUILD_ID') ?? read('BUILD_NAME'),
      workflow: read('BUILD_JOB_NAME'),
      url: joined(read, ['ATC_EXTERNAL_URL', '/builds/', 'BUILD_ID']),
    }),
  },
];

/** @returns the job that this process runs in, or no fields outside a known system */
export function jobOf(environment: Readonly<Record<string, string | undefined>>): JobContext {
  const read: Read = (name) => environment[name]?.trim() || undefined;
  return SYSTEMS.find(({ sign }) => read(sign) !== undefined)?.job(read) ?? {};
}

/**
 * @param parts names of variables, in capitals, and separators
 * @returns undefined if one of the variables is not set
 */
function joined(read: Read, parts: readonly string[]): string | undefined {
  const texts = parts.map((part) => (/^[A-Z_]+$/.test(part) ? read(part) : part));
  return texts.includes(undefined) ? undefined : texts.join('');
}
