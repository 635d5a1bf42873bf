import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TlsFront } from '../../dev/local-s3/tls-front.ts';
import { ForwardProxy } from '../s3/forward-proxy.ts';
import { CredentialServices, tokenFor } from '../support/credential-services.ts';
import { Scenario } from '../support/scenario.ts';
import { loggedIn, SSO_SESSION } from '../support/sso.ts';

// In a network with a proxy as its only way out: requests for credentials use it too, and go to the STS of the region.

const ROLE = 'arn:aws-cn:iam::123456789012:role/assets';
const NO_KEYS = { 'aws-access-key-id': '', 'aws-secret-access-key': '' };
const STS = 'sts.cn-north-1.amazonaws.com.cn';
const HOSTS = [STS, 'portal.sso.us-east-1.amazonaws.com', 'credentials.internal'];

let scenario: Scenario;
let services: CredentialServices;
let front: TlsFront;
let proxy: ForwardProxy;
let home: string;
beforeEach(async () => {
  scenario = await Scenario.create({ region: 'cn-north-1' });
  const { server } = scenario.bucket;
  services = await CredentialServices.start(server.port, () => server.issueCredentials());
  front = await TlsFront.start(
    services.port,
    HOSTS.map((host) => `DNS:${host}`),
  );
  proxy = await ForwardProxy.start(front.port);
  home = join(scenario.root, '.git', 'home');
  await mkdir(join(home, '.aws'), { recursive: true });
});
afterEach(async () => {
  for (const one of [proxy, front, services]) await one[Symbol.asyncDispose]();
  await scenario.close();
});

/** A check that must succeed. @returns the hosts that the proxy was asked for */
async function connects(inputs: Record<string, string>, env: Record<string, string> = {}): Promise<string[]> {
  const variables = {
    HOME: home,
    USERPROFILE: home,
    AWS_EC2_METADATA_DISABLED: 'true',
    HTTPS_PROXY: proxy.url,
    NODE_EXTRA_CA_CERTS: front.certificate,
    ...env,
  };
  const result = await scenario.action('check', { 'aws-region': 'cn-north-1', ...inputs }, { env: variables });
  expect(result.lines.filter((line) => line.startsWith('::error'))).toEqual([]);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  return proxy.lines;
}

describe('the proxy and the STS of the region are used for', () => {
  it("a role assumed with GitHub's token", async () => {
    const asked = await connects({ ...NO_KEYS, 'role-to-assume': ROLE }, services.tokenVariables);
    expect(asked).toEqual([`CONNECT ${STS}:443`]);
  });

  it('a role assumed with keys', async () => {
    expect(await connects({ 'role-to-assume': ROLE })).toEqual([`CONNECT ${STS}:443`]);
  });

  it('the role of a pod', async () => {
    const file = join(home, 'token');
    await writeFile(file, tokenFor('?audience=cluster', 0));
    const env = { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: ROLE };
    expect(await connects(NO_KEYS, env)).toEqual([`CONNECT ${STS}:443`]);
  });

  it.each([
    ['keys', '[base]\naws_access_key_id = test\naws_secret_access_key = testsecret1\n'],
    ['a token file', ''],
  ])('a profile with role_arn and %s', async (_, base) => {
    const file = join(home, 'token');
    await writeFile(file, tokenFor('?audience=cluster', 0));
    const source = base === '' ? `web_identity_token_file = ${file}` : 'source_profile = base';
    // The profile's region only applies if the step gives none.
    await writeFile(join(home, '.aws', 'config'), `[profile ci]\nregion = us-east-1\nrole_arn = ${ROLE}\n${source}\n`);
    await writeFile(join(home, '.aws', 'credentials'), base);
    expect(await connects(NO_KEYS, { AWS_PROFILE: 'ci' })).toEqual([`CONNECT ${STS}:443`]);
  });
});

it('credentials of SSO are fetched through the proxy', async () => {
  await writeFile(join(home, '.aws', 'config'), SSO_SESSION);
  await loggedIn(home, 'corp', Date.now() + 3600_000);
  const asked = await connects(NO_KEYS, { AWS_PROFILE: 'ci' });
  expect(asked).toEqual(['CONNECT portal.sso.us-east-1.amazonaws.com:443']);
});

describe('the credentials of a container', () => {
  it('are fetched through the proxy from an https address', async () => {
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'https://credentials.internal/container' };
    expect(await connects(NO_KEYS, env)).toEqual(['CONNECT credentials.internal:443']);
  });

  it('are fetched without the proxy from an address of the machine itself', async () => {
    const env = { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: `127.0.0.1:${scenario.bucket.server.port}` };
    expect(await connects(NO_KEYS, { ...services.containerVariables, ...env })).toEqual([]);
    expect(services.requestsTo('/container')).toHaveLength(1);
  });
});
