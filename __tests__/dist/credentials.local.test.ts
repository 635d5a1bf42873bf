import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FaultAction, LoggedRequest } from '../../dev/local-s3/local-s3.ts';
import { type ActionResult, ENTRY } from '../../dev/run-action.ts';
import { CredentialServices, PAGE, tokenFor } from '../support/credential-services.ts';
import { Scenario } from '../support/scenario.ts';
import { LEGACY_SSO, loggedIn, SSO_SESSION, SSO_URL } from '../support/sso.ts';

// How a step gets its credentials on common kinds of runners: the built action, loopback STS, and stand-ins for
// GitHub's token service, containers and machines.

const ROLE = 'arn:aws:iam::123456789012:role/assets';
const NO_KEYS = { 'aws-access-key-id': '', 'aws-secret-access-key': '' };
const AS_ROLE = { ...NO_KEYS, 'role-to-assume': ROLE };

let scenario: Scenario;
let services: CredentialServices;
let home: string;
beforeEach(async () => {
  scenario = await Scenario.create();
  const { server } = scenario.bucket;
  services = await CredentialServices.start(server.port, () => server.issueCredentials());
  home = join(scenario.root, '.git', 'home');
  await mkdir(join(home, '.aws'), { recursive: true });
});
afterEach(async () => {
  await services[Symbol.asyncDispose]();
  await scenario.close();
});

interface Job {
  readonly mode?: string;
  readonly inputs?: Record<string, string>;
  readonly env?: Record<string, string>;
  /** How far the runner's clock is ahead. */
  readonly fastByMs?: number;
}

/** A step that sees nothing of this machine: its home is empty, and no metadata service answers. */
function step({ mode = 'check', inputs = {}, env = {}, fastByMs = 0 }: Job): Promise<ActionResult> {
  const { url } = scenario.bucket.server;
  const variables = {
    HOME: home,
    USERPROFILE: home,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL_STS: url,
    ...env,
  };
  const clock = `const { now } = Date; const Real = Date;
    globalThis.Date = class extends Real {
      constructor(...args) { super(...(args.length === 0 ? [now() + ${fastByMs}] : args)); }
      static now() { return now() + ${fastByMs}; }
    };`;
  const args = fastByMs === 0 ? {} : { args: ['--import', `data:text/javascript,${encodeURIComponent(clock)}`, ENTRY] };
  return scenario.action(mode, inputs, { env: variables, ...args });
}

async function succeed(job: Job): Promise<ActionResult> {
  const result = await step(job);
  expect(result.lines.filter((line) => line.startsWith('::error'))).toEqual([]);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  return result;
}

function assumptions(): LoggedRequest[] {
  return scenario.bucket.server.requests.filter(({ parameters }) => parameters.Action?.startsWith('AssumeRole'));
}

async function profile(text: string, file = 'config'): Promise<void> {
  await writeFile(join(home, '.aws', file), text);
}

/** IRSA: EKS gives a role to a pod for a token of the cluster. */
async function podVariables(): Promise<Record<string, string>> {
  const file = join(home, 'token');
  await writeFile(file, tokenFor('?audience=cluster', 0));
  return { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/runner' };
}

describe('a role', () => {
  it("is assumed with GitHub's token on a runner in EKS, even if its pod has a role of its own", async () => {
    const { lines } = await succeed({
      inputs: AS_ROLE,
      env: { ...services.tokenVariables, ...(await podVariables()) },
    });
    expect(assumptions().map(({ operation, parameters }) => [operation, parameters.RoleArn])).toEqual([
      ['AssumeRoleWithWebIdentity', ROLE],
    ]);
    expect(services.requestsTo('/github-token')).toHaveLength(1);
    expect(lines).toContain(`Assuming the role ${ROLE} with GitHub's OIDC token`);
  });

  it("is assumed with GitHub's token on a runner in ECS, even if its task has a role of its own", async () => {
    await succeed({ inputs: AS_ROLE, env: { ...services.tokenVariables, ...services.containerVariables } });
    expect(assumptions().map(({ operation }) => operation)).toEqual(['AssumeRoleWithWebIdentity']);
    expect(services.requestsTo('/container')).toEqual([]);
  });

  it("is assumed with GitHub's token even if an earlier step left keys in the environment", async () => {
    const env = { ...services.tokenVariables, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testsecret1' };
    await succeed({ inputs: AS_ROLE, env });
    expect(assumptions().map(({ operation }) => operation)).toEqual(['AssumeRoleWithWebIdentity']);
  });

  it.each<[what: string, by: string, inputs: Record<string, string>, env: Record<string, string>]>([
    [
      'the keys of the environment with role-chaining',
      'AWS_ACCESS_KEY_ID',
      { ...AS_ROLE, 'role-chaining': 'true' },
      { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testsecret1' },
    ],
    ['given keys', 'the given access key', { 'role-to-assume': ROLE }, {}],
  ])("is assumed with %s, although GitHub's token is available", async (_, by, inputs, env) => {
    const { lines } = await succeed({ inputs, env: { ...services.tokenVariables, ...env } });
    expect(assumptions().map(({ operation, accessKeyId }) => [operation, accessKeyId])).toEqual([
      ['AssumeRole', 'test'],
    ]);
    expect(services.requestsTo('/github-token')).toEqual([]);
    expect(lines).toContain(`Assuming the role ${ROLE} with ${by}`);
  });

  it('is assumed with the role of an EC2 instance if the job has no token', async () => {
    const { lines } = await succeed({ inputs: AS_ROLE, env: services.machineVariables });
    expect(assumptions().map(({ accessKeyId }) => accessKeyId)).toEqual([expect.stringMatching(/^ASIA/)]);
    expect(lines).toContain(`Assuming the role ${ROLE} with the machine's role`);
  });

  it('is assumed with the role of a task if the job has no token', async () => {
    const { lines } = await succeed({ inputs: AS_ROLE, env: services.containerVariables });
    expect(assumptions()).toHaveLength(1);
    expect(services.headers[0]?.authorization).toBe('task-token');
    expect(lines).toContain(`Assuming the role ${ROLE} with the container (127.0.0.1:${services.port})`);
  });
});

describe('keys of the environment', () => {
  it('may be surrounded by line ends and spaces', async () => {
    const env = { AWS_ACCESS_KEY_ID: ' test\n', AWS_SECRET_ACCESS_KEY: 'testsecret1\r\n', AWS_SESSION_TOKEN: '\n' };
    await succeed({ inputs: NO_KEYS, env });
  });

  it("take precedence over the profile that AWS_PROFILE names, as in AWS's tools", async () => {
    await profile('[profile ci]\ncredential_process = exit 1\n');
    const env = { AWS_PROFILE: 'ci', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testsecret1' };
    await succeed({ inputs: NO_KEYS, env });
  });
});

const HOURS_MS = 3600_000;

describe('on a runner whose clock is two hours fast', () => {
  const files = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`file-${index}.txt`, `content ${index}`]));

  /** How often credentials were requested in one upload with the right clock, and in one with the fast clock. */
  async function askedFor(job: Job, count: () => number): Promise<[right: number, fast: number]> {
    const counts: number[] = [];
    for (const fastByMs of [0, 2 * HOURS_MS]) {
      await scenario.commit();
      await scenario.freshPackages();
      await scenario.build(files);
      scenario.bucket.server.clearRequests();
      const before = count();
      await succeed({ ...job, mode: 'upload', fastByMs });
      counts.push(count() - before);
    }
    const [right = 0, fast = 0] = counts;
    return [right, fast];
  }

  const grants = (): number => assumptions().filter(({ status }) => status === 200).length;

  it.each<[what: string, job: () => Job]>([
    ["GitHub's token", () => ({ inputs: AS_ROLE, env: services.tokenVariables })],
    ['given keys', () => ({ inputs: { 'role-to-assume': ROLE, 'role-duration-seconds': '900' } })],
  ])('a role is assumed with %s only once', async (_, job) => {
    expect(await askedFor(job(), grants)).toEqual([1, 1]);
    expect(assumptions().length).toBeLessThanOrEqual(2);
  });

  it.each([
    ['an hour', HOURS_MS],
    ['four minutes', 240_000],
  ])('a container is asked only once for keys that are valid for %s', async (_, leftMs) => {
    services.keys = () => scenario.bucket.server.issueCredentials(leftMs / 1000);
    const asked = (): number => services.requestsTo('/container').length;
    expect(await askedFor({ inputs: NO_KEYS, env: services.containerVariables }, asked)).toEqual([1, 1]);
  });

  it.each([
    ['an hour', HOURS_MS],
    ['four minutes', 240_000],
  ])('credential_process runs only once for keys that are valid for %s', async (_, leftMs) => {
    const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = scenario.bucket.server.issueCredentials(
      leftMs / 1000,
    );
    const printed = {
      Version: 1,
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: sessionToken,
      Expiration: new Date(expiresAt).toISOString(),
    };
    const [file, runs] = [join(home, 'keys.json'), join(home, 'runs')];
    await writeFile(file, JSON.stringify(printed));
    await writeFile(runs, '');
    await profile(`[default]\ncredential_process = echo run >> ${runs} && cat ${file}\n`);
    for (const fastByMs of [0, 2 * HOURS_MS]) {
      await scenario.commit();
      await scenario.freshPackages();
      await scenario.build(files);
      await succeed({ mode: 'upload', inputs: NO_KEYS, fastByMs });
    }
    expect(await readFile(runs, 'utf8')).toBe('run\nrun\n');
  });
});

describe('a failure to get credentials is reported with its cause:', () => {
  async function expectMessage(job: Job, message: RegExp): Promise<void> {
    const { lines, exitCode, stderr } = await step(job);
    expect(lines.filter((line) => line.startsWith('::error'))).toEqual([expect.stringMatching(message)]);
    expect(lines.join('\n')).not.toMatch(/There are no AWS credentials/);
    expect([exitCode, stderr]).toEqual([1, '']);
  }

  it('credential_process failed, with its last line', async () => {
    await profile(
      '[profile ci]\ncredential_process = echo starting >&2; echo "vault: permission denied" >&2; exit 3\n',
    );
    const message = /credential_process of the profile 'ci' failed \(exit code 3: vault: permission denied\)/;
    await expectMessage({ inputs: NO_KEYS, env: { AWS_PROFILE: 'ci' } }, message);
  });

  it('credential_process printed something else', async () => {
    await profile('[default]\ncredential_process = echo my-secret\n');
    await expectMessage(
      { inputs: NO_KEYS },
      /credential_process of the profile 'default' failed \(it printed no credentials/,
    );
  });

  it('there is no login to SSO', async () => {
    await profile(SSO_SESSION);
    const message =
      /The AWS credentials of the profile 'ci' can't be fetched \(The SSO session token associated with profile=ci was not found .*'aws sso login'/;
    await expectMessage({ inputs: NO_KEYS, env: { AWS_PROFILE: 'ci' } }, message);
  });

  it.each([
    ['of a session', SSO_SESSION, 'corp', /\(Token is expired\. .*'aws sso login'/],
    [
      'of a profile',
      LEGACY_SSO,
      SSO_URL,
      /\(The SSO session associated with this profile has expired\. .*aws sso login/,
    ],
  ])('the SSO token %s has expired', async (_, config, id, message) => {
    await profile(config);
    await loggedIn(home, id, Date.now() - HOURS_MS);
    services.answers.push({
      on: '/token',
      answer: (response) => response.writeHead(400).end('{"error":"invalid_grant"}'),
    });
    await expectMessage(
      { inputs: NO_KEYS, env: { AWS_PROFILE: 'ci', AWS_ENDPOINT_URL_SSO_OIDC: services.url } },
      message,
    );
  });

  it('a profile names an SSO session that does not exist', async () => {
    await profile(SSO_SESSION.replace('[sso-session corp]', '[sso-session corps]'));
    await expectMessage({ inputs: NO_KEYS, env: { AWS_PROFILE: 'ci' } }, /There is no section \[sso-session corp\]/);
  });

  it('a profile names a source profile that does not exist', async () => {
    await profile(`[profile ci]\nrole_arn = ${ROLE}\nsource_profile = bas\n`);
    await expectMessage({ inputs: NO_KEYS, env: { AWS_PROFILE: 'ci' } }, /'ci' can't be fetched \(.*\[bas\]/);
  });

  it('AWS_PROFILE is misspelt, even if the machine has a role', async () => {
    await profile('[profile ci]\nregion = eu-west-1\n');
    const env = { AWS_PROFILE: 'cii', ...services.machineVariables };
    await expectMessage({ inputs: NO_KEYS, env }, /There is no profile 'cii' .*: check AWS_PROFILE/);
  });

  it('the token file is missing', async () => {
    const env = { ...(await podVariables()), AWS_WEB_IDENTITY_TOKEN_FILE: join(home, 'gone') };
    await expectMessage(
      { inputs: NO_KEYS, env },
      /role\/runner .*can't be fetched \(ENOENT: .*gone'\): check the token file/,
    );
  });

  it('one of a pair of variables is missing', async () => {
    await expectMessage(
      { inputs: NO_KEYS, env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: '' } },
      /The variable AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not/,
    );
  });

  it('STS refuses the role of a pod, with its code and message', async () => {
    scenario.bucket.server.fault = ({ parameters }) =>
      parameters.Action === undefined
        ? undefined
        : { kind: 'error', status: 403, code: 'AccessDenied', message: 'Not authorized to perform it' };
    const message = /role\/runner .*can't be fetched \(AccessDenied: Not authorized to perform it\)/;
    await expectMessage({ inputs: NO_KEYS, env: await podVariables() }, message);
  });

  it('the pod identity agent answers 400, with its message', async () => {
    const answer = "[req]: (AccessDeniedException): Service account isn't associated, fault: client";
    services.answers.push({ on: '/container', answer: (response) => response.writeHead(400).end(answer) });
    const message =
      /the container \(127\.0\.0\.1:\d+\) can't be fetched \(Status400: \[req\]: \(AccessDeniedException\): Service/;
    await expectMessage({ inputs: NO_KEYS, env: services.containerVariables }, message);
  });

  it('the container service does not answer', async () => {
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/container' };
    await expectMessage({ inputs: NO_KEYS, env }, /since 127\.0\.0\.1:1 can't be reached \(.*ECONNREFUSED/);
  });

  it("a gateway's page comes instead of the reply of the container service", async () => {
    for (let attempt = 0; attempt < 4; attempt += 1) services.answers.push({ on: '/container', answer: PAGE });
    const message = /answered 200 with a reply that is not its own: check the proxy/;
    await expectMessage({ inputs: NO_KEYS, env: services.containerVariables }, message);
  });

  it.each([200, 403])("a gateway's page comes instead of the reply of STS, with status %d", async (status) => {
    scenario.bucket.server.fault = ({ parameters }) =>
      parameters.Action === undefined
        ? undefined
        : {
            kind: 'reply',
            status,
            body: '<!doctype html><html><p>Log in</p></html>',
            headers: { 'content-type': 'text/html' },
          };
    const message = new RegExp(`can't be assumed, since STS answered ${status} with a reply that is not its own`);
    await expectMessage({ inputs: AS_ROLE, env: services.tokenVariables }, message);
  });

  it("GitHub's token service is out of reach", async () => {
    const env = { ...services.tokenVariables, ACTIONS_ID_TOKEN_REQUEST_URL: 'http://127.0.0.1:1/' };
    const message = /GitHub issued no OIDC token, since its token service 127\.0\.0\.1:1 can't be reached/;
    await expectMessage({ inputs: AS_ROLE, env }, message);
  });
});

describe('STS is asked again after a passing fault', () => {
  it.each([
    ['InvalidIdentityToken', "Couldn't retrieve verification key from your identity provider"],
    ['IDPCommunicationError', 'The identity provider did not answer'],
    ['Throttling', 'Rate exceeded'],
  ])('%s: %s', async (code, message) => {
    let faults = 2;
    scenario.bucket.server.fault = ({ parameters }) => {
      if (parameters.Action === undefined || faults === 0) return undefined;
      faults -= 1;
      return { kind: 'error', status: 400, code, message };
    };
    await succeed({ inputs: AS_ROLE, env: services.tokenVariables });
    expect(assumptions()).toHaveLength(3);
  });

  it.each<[what: string, action: FaultAction]>([
    ['a page', { kind: 'reply', status: 200, body: '<html><br>', headers: { 'content-type': 'text/html' } }],
    ['truncated XML', { kind: 'reply', status: 200, body: '<AssumeRoleWithWebIdentityResponse><Assume' }],
  ])('%s instead of a reply', async (_, action) => {
    let faults = 2;
    scenario.bucket.server.fault = ({ parameters }) =>
      parameters.Action !== undefined && faults-- > 0 ? action : undefined;
    await succeed({ inputs: AS_ROLE, env: services.tokenVariables });
    expect(assumptions()).toHaveLength(3);
  });

  it('but not after it refuses the audience of a token', async () => {
    scenario.bucket.server.fault = ({ parameters }) =>
      parameters.Action === undefined
        ? undefined
        : { kind: 'error', status: 400, code: 'InvalidIdentityToken', message: 'Incorrect token audience' };
    const { exitCode } = await step({ inputs: AS_ROLE, env: services.tokenVariables });
    expect(exitCode).toBe(1);
    expect(assumptions()).toHaveLength(1);
  });
});
