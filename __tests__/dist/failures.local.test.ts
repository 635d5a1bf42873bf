import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FaultAction } from '../../dev/local-s3/local-s3.ts';
import type { ActionResult } from '../../dev/run-action.ts';
import { limitedAction } from '../support/limited-action.ts';
import { Scenario } from '../support/scenario.ts';

// The failures that a user sees if the store refuses or fails: one line, exit code 1, nothing found.

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
  await scenario.build({ 'app.zip': 'app' });
});
afterEach(() => scenario.close());

it.each<[limit: number, files: number, inputs: Record<string, string>]>([
  [60, 70, { concurrency: '256' }],
  [100, 110, {}],
  [300, 310, { concurrency: '256' }],
])(
  'with a limit of %i open files, more than that (%i) are still sent, copied and restored',
  async (limit, count, inputs) => {
    const args = limitedAction(`-n ${limit}`);
    const files = Array.from({ length: count }, (_, index): [string, string] => [`files/${index}`, `${index}`]);
    const large = ['a', 'b', 'c', 'd'].map((name): [string, Buffer] => [
      `large-${name}`,
      Buffer.alloc(6 * 1024 ** 2, name),
    ]);
    await scenario.build(Object.fromEntries([...files, ...large]));
    const given = { 'code-hash-filter': 'src/**', 'part-size-mib': '5', ...inputs };
    const uploaded = await scenario.action('upload', given, { args });
    expect([uploaded.exitCode, uploaded.outputs.cached, errorsIn(uploaded)]).toEqual([0, 'true', []]);
    await scenario.commit();
    await scenario.freshPackages();
    const restored = await scenario.action('restore', given, { args });
    expect([restored.exitCode, restored.outputs.restored, errorsIn(restored)]).toEqual([0, 'true', []]);
  },
);

function errorsIn({ lines }: ActionResult): string[] {
  return lines.filter((line) => line.startsWith('::error') || line.startsWith('::warning'));
}

const MODES = ['check', 'upload', 'restore'] as const;

async function expectFailure(running: Promise<ActionResult>, message: RegExp): Promise<void> {
  const { lines, exitCode, stderr, outputs } = await running;
  expect(lines.filter((line) => line.startsWith('::error'))).toEqual([expect.stringMatching(message)]);
  expect(stderr).toBe('');
  expect(exitCode).toBe(1);
  expect(outputs).toEqual({});
  expect(await scenario.marker('.found')).toBeUndefined();
}

describe.each(MODES)('%s', (mode) => {
  it('fails if access is denied, and names the required action', async () => {
    scenario.bucket.server.deny = ({ action }) => action === 's3:GetObject';
    const resource = `arn:aws:s3:::${scenario.bucket.name}/records/artifacts/${scenario.head}\\.json`;
    await expectFailure(scenario.action(mode), new RegExp(`access denied.*allow s3:GetObject.* on ${resource}`));
  });

  it('fails if the bucket may not be listed', async () => {
    scenario.bucket.server.deny = ({ action }) => action === 's3:ListBucket';
    await expectFailure(scenario.action(mode), /access denied.*s3:ListBucket/);
  });

  it('fails if the bucket does not exist', async () => {
    await expectFailure(scenario.action(mode, { bucket: 'not-there' }), /the bucket 'not-there' does not exist/);
  });

  it("fails if the endpoint ends with the bucket's name, as R2's dashboard shows it", async () => {
    const endpoint = `${scenario.bucket.server.url}/${scenario.bucket.name}`;
    await expectFailure(
      scenario.action(mode, { 'endpoint-url': endpoint }),
      /took the bucket 'test-[\w-]+' for an object \(NoSuchKey\): leave out the bucket's name in endpoint-url$/,
    );
    expect(await scenario.bucket.keys()).toEqual([]);
  });

  it.each(['SecondLevelDomainForbidden', 'PathStyleDomainForbidden', 'VirtualHostDomainRequired', 'InvalidPathAccess'])(
    'fails if the store forbids path style (%s), and names the input',
    async (code) => {
      scenario.bucket.server.fault = () => ({ kind: 'error', status: 403, code });
      await expectFailure(scenario.action(mode), /wants the bucket in the host.*: set force-path-style to 'false'$/);
    },
  );

  it('fails if the bucket is in another region, and names that region', async () => {
    scenario.bucket.server.createBucket({ name: 'elsewhere', region: 'eu-west-1' });
    await expectFailure(scenario.action(mode, { bucket: 'elsewhere' }), /'elsewhere' is in the region eu-west-1/);
  });

  it('fails if nothing answers', async () => {
    await expectFailure(
      scenario.action(mode, { 'endpoint-url': 'http://127.0.0.1:1' }),
      /127\.0\.0\.1:1 can't be reached/,
    );
  });

  it('fails if the token has expired', async () => {
    const { accessKeyId, secretAccessKey, sessionToken } = scenario.bucket.server.issueCredentials(-60);
    const keys = { 'aws-access-key-id': accessKeyId, 'aws-secret-access-key': secretAccessKey };
    await expectFailure(
      scenario.action(mode, { ...keys, 'aws-session-token': sessionToken }),
      /session token has expired/,
    );
  });

  it('fails if the key is wrong', async () => {
    await expectFailure(scenario.action(mode, { 'aws-secret-access-key': 'wrong' }), /check aws-secret-access-key/);
  });

  it.each([
    ['a web page', { kind: 'reply', status: 200, body: '<!doctype html><html><p>Log in</p></html>' }],
    ['empty', { kind: 'reply', status: 200 }],
    ['a web page with status 404', { kind: 'reply', status: 404, body: '<html>Not found</html>' }],
  ] satisfies [string, FaultAction][])('fails if the reply is %s', async (_, action) => {
    scenario.bucket.server.fault = () => action;
    await expectFailure(scenario.action(mode), /^::error::(Could not|s3:)/);
  });
});

describe('a malicious record', () => {
  const head = `{"schema":"s3-asset-manager/record/v1","state":"complete","commit":"${'c'.repeat(40)}","origin":{"kind":"upload"},"writer":{"nonce":"n","sequence":1},"leaseSeconds":120,"files":[`;

  it('of 12 MB of empty lists fails the step at once', async () => {
    const body = `${head}${'[],'.repeat(4_000_000)}[]],"totalSize":0}`;
    scenario.bucket.server.put(scenario.bucket.name, `records/artifacts/${scenario.head}.json`, body);
    await expectFailure(scenario.action('check'), /not a record this version can read \(files\[0\] is not an object\)/);
  });

  it('of more than 64 MiB is not read', async () => {
    const body = `${head}${' '.repeat(64 * 1024 ** 2 + 2000)}],"totalSize":0}`;
    scenario.bucket.server.put(scenario.bucket.name, `records/artifacts/${scenario.head}.json`, body);
    await expectFailure(scenario.action('check'), /records\/artifacts\/.*67\.1 MB/);
  });
});

describe('the result', () => {
  it('of an earlier check is removed by a check that fails', async () => {
    await scenario.build({ '.found': '' });
    scenario.bucket.server.deny = () => true;
    await expectFailure(scenario.action('check'), /access denied/);
  });
});

describe('the role of the Python tool', () => {
  const unset = {
    bucket: '',
    'endpoint-url': '',
    'aws-region': '',
    'aws-access-key-id': '',
    'aws-secret-access-key': '',
  };

  it('is assumed with the available keys', async () => {
    const role = 'arn:aws:iam::123456789012:role/assets';
    const env = {
      PACKAGE_ASSETS_BUCKET: scenario.bucket.name,
      AWS_ROLE: role,
      AWS_ENDPOINT_URL_STS: scenario.bucket.endpoint,
      AWS_ENDPOINT_URL_S3: scenario.bucket.endpoint,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: scenario.bucket.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: scenario.bucket.credentials.secretAccessKey,
    };
    const { exitCode, outputs } = await scenario.action('upload', unset, { env });
    expect(exitCode).toBe(0);
    expect(outputs).toMatchObject({ found: 'true', reason: 'uploaded' });
    const [assumed, ...others] = scenario.bucket.server.requests;
    expect(assumed).toMatchObject({
      operation: 'AssumeRole',
      parameters: { RoleArn: role, RoleSessionName: 's3-asset-manager' },
    });
    expect(others.every(({ accessKeyId }) => accessKeyId !== scenario.bucket.credentials.accessKeyId)).toBe(true);
    expect(others.filter(({ operation }) => operation === 'AssumeRole')).toEqual([]);
  });
});
