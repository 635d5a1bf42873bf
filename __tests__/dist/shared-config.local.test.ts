import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ActionResult } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

// A profile in AWS's shared config files applies if inputs and variables are not set, and may name another store.

let scenario: Scenario;
let home: string;
beforeEach(async () => {
  scenario = await Scenario.create();
  home = join(scenario.root, '.git', 'home');
  await mkdir(join(home, '.aws'), { recursive: true });
});
afterEach(() => scenario.close());

const NOTHING_GIVEN = {
  'endpoint-url': '',
  'aws-region': '',
  'aws-access-key-id': '',
  'aws-secret-access-key': '',
};

/** Makes AWS itself unreachable, so that any request to it fails. */
const NO_AWS = { HTTPS_PROXY: 'http://127.0.0.1:1' };

async function check(env: Record<string, string> = {}, inputs: Record<string, string> = {}): Promise<ActionResult> {
  const variables = { HOME: home, USERPROFILE: home, AWS_EC2_METADATA_DISABLED: 'true', ...NO_AWS, ...env };
  return scenario.action('check', { ...NOTHING_GIVEN, ...inputs }, { env: variables });
}

function config(text: string): Promise<void> {
  return writeFile(join(home, '.aws', 'config'), text);
}

const KEYS = 'aws_access_key_id = test\naws_secret_access_key = testsecret1\n';

it.each<[what: string, text: (url: string) => string]>([
  ['endpoint_url of the profile', (url) => `[profile ci]\nregion = us-east-1\nendpoint_url = ${url}\n${KEYS}`],
  [
    'endpoint_url of its services section, which takes precedence,',
    (url) =>
      `[profile ci]\nregion = us-east-1\nendpoint_url = http://127.0.0.1:1\nservices = local\n${KEYS}[services local]\ns3 =\n  endpoint_url = ${url}\n`,
  ],
])('%s gets the requests', async (_, text) => {
  await config(text(scenario.bucket.server.url));
  expect(await check({ AWS_PROFILE: 'ci' })).toMatchObject({ exitCode: 0, outputs: { found: 'false' } });
  expect(scenario.bucket.server.requests.length).toBeGreaterThan(0);
});

it('the default profile counts without AWS_PROFILE', async () => {
  await config(`[default]\nregion = us-east-1\nendpoint_url = ${scenario.bucket.server.url}\n${KEYS}`);
  expect(await check()).toMatchObject({ exitCode: 0 });
});

it('AWS_CONFIG_FILE may name another file', async () => {
  const file = join(home, 'elsewhere');
  await writeFile(file, `[default]\nregion = us-east-1\nendpoint_url = ${scenario.bucket.server.url}\n${KEYS}`);
  expect(await check({ AWS_CONFIG_FILE: file })).toMatchObject({ exitCode: 0 });
});

describe('a profile is overridden by', () => {
  beforeEach(() => config(`[default]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:1\n${KEYS}`));

  it('the input', async () => {
    const inputs = { 'endpoint-url': scenario.bucket.server.url, 'aws-region': 'us-east-1' };
    expect(await check({ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' }, inputs)).toMatchObject({ exitCode: 0 });
  });

  it.each(['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'])('the variable %s', async (name) => {
    const env = { [name]: scenario.bucket.server.url, AWS_REGION: 'us-east-1' };
    expect(await check(env)).toMatchObject({ exitCode: 0 });
  });
});

it('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS overrides both profile and variables, so that requests go to AWS', async () => {
  const { url } = scenario.bucket.server;
  await config(`[default]\nregion = us-east-1\nendpoint_url = ${url}\n${KEYS}`);
  const env = { AWS_ENDPOINT_URL: url, AWS_ENDPOINT_URL_S3: url, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'True' };
  const { lines, exitCode } = await check(env);
  expect(exitCode).toBe(1);
  expect(lines.join('\n')).toMatch(/AWS S3 can't be reached/);
  expect(scenario.bucket.server.requests).toEqual([]);
});

it('a missing services section is reported, and no request goes to AWS instead', async () => {
  await config(`[default]\nregion = us-east-1\nservices = local\n${KEYS}`);
  const { lines, exitCode } = await check();
  expect(exitCode).toBe(1);
  expect(lines.join('\n')).toMatch(/::error::.*has no section \[services local\], which the profile names/);
});

it('a missing profile does not matter if keys and region are given', async () => {
  const { url, ...keys } = { ...scenario.bucket.credentials, url: scenario.bucket.server.url };
  const inputs = {
    'endpoint-url': url,
    'aws-region': 'us-east-1',
    'aws-access-key-id': keys.accessKeyId,
    'aws-secret-access-key': keys.secretAccessKey,
  };
  expect(await check({ AWS_PROFILE: 'gone' }, inputs)).toMatchObject({ exitCode: 0 });
});
