import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  AssumeRoleWithWebIdentityCommand,
  type Credentials,
  GetCallerIdentityCommand,
  STSClient,
  type STSClientConfig,
} from '@aws-sdk/client-sts';
import { describe, expect, it } from '@jest/globals';
import { type LocalS3, type LocalS3Options, startLocalS3 } from '../../../dev/local-s3/local-s3.ts';
import { BUCKET, clientOf } from './start.ts';

const RoleArn = 'arn:aws:iam::123456789012:role/ci/uploader';
const assume = (more: Partial<AssumeRoleCommandInput> = {}) =>
  new AssumeRoleCommand({ RoleArn, RoleSessionName: 'session', ...more });

function stsOf(server: LocalS3, config: STSClientConfig = {}): STSClient {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'testsecret1' };
  return new STSClient({ endpoint: server.url, region: 'eu-west-1', credentials, maxAttempts: 1, ...config });
}

async function startSts(options: LocalS3Options = {}) {
  const server = await startLocalS3({ buckets: [BUCKET], ...options });
  return { server, sts: stsOf(server), [Symbol.asyncDispose]: () => server.close() };
}

/** Lists the bucket with the credentials from STS. */
async function list(
  server: LocalS3,
  { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' }: Partial<Credentials>,
) {
  const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
  return clientOf(server, { credentials }).send(new ListObjectsV2Command({ Bucket: BUCKET }));
}

function token(claims: Record<string, unknown>): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'RS256' })}.${encode(claims)}.c2ln`;
}

describe('AssumeRole', () => {
  it("gives credentials that work until they expire by the server's clock", async () => {
    let offsetMs = 0;
    await using local = await startSts({ now: () => Date.now() + offsetMs });
    const { Credentials: issued, AssumedRoleUser } = await local.sts.send(assume({ DurationSeconds: 900 }));
    expect(AssumedRoleUser?.Arn).toBe('arn:aws:sts::123456789012:assumed-role/uploader/session');
    expect(await list(local.server, issued ?? {})).toMatchObject({ KeyCount: 0 });
    await expect(list(local.server, { ...issued, SessionToken: 'bogus' })).rejects.toMatchObject({
      name: 'InvalidToken',
    });
    // Within the allowed skew of 15 minutes, so that only the expiry matters.
    offsetMs = 899_000;
    expect(await list(local.server, issued ?? {})).toMatchObject({ KeyCount: 0 });
    offsetMs = 900_000;
    await expect(list(local.server, issued ?? {})).rejects.toMatchObject({ name: 'ExpiredToken' });
  });

  it('accepts only the roles that exist', async () => {
    const roles = [{ arn: RoleArn, externalId: 'secret', maxDurationSeconds: 1800 }];
    await using local = await startSts({ roles });
    await local.sts.send(assume({ ExternalId: 'secret', DurationSeconds: 1800 }));
    const refused = [
      assume(),
      assume({ ExternalId: 'wrong' }),
      assume({ RoleArn: `${RoleArn}2`, ExternalId: 'secret' }),
    ];
    for (const command of refused) {
      await expect(local.sts.send(command)).rejects.toMatchObject({ name: 'AccessDenied' });
    }
    const tooLong = assume({ ExternalId: 'secret', DurationSeconds: 3600 });
    await expect(local.sts.send(tooLong)).rejects.toMatchObject({ name: 'ValidationError' });
  });

  it('logs its parameters', async () => {
    await using local = await startSts();
    await local.sts.send(assume({ ExternalId: 'x y&z' }));
    expect(local.server.requests).toMatchObject([
      {
        operation: 'AssumeRole',
        parameters: { RoleArn, RoleSessionName: 'session', ExternalId: 'x y&z' },
        status: 200,
      },
    ]);
  });

  it.each([
    ['a wrong secret', { accessKeyId: 'test', secretAccessKey: 'wrong' }, 'SignatureDoesNotMatch'],
    ['an unknown key', { accessKeyId: 'other', secretAccessKey: 'x' }, 'InvalidClientTokenId'],
  ])('refuses %s', async (_name, credentials, name) => {
    await using local = await startSts();
    await expect(stsOf(local.server, { credentials }).send(assume())).rejects.toMatchObject({ name });
  });
});

describe('a fault', () => {
  it('is reported in the form of STS', async () => {
    await using local = await startSts({ fault: () => ({ kind: 'error', status: 400, code: 'Throttling' }) });
    await expect(local.sts.send(assume())).rejects.toMatchObject({ name: 'Throttling' });
  });
});

describe('AssumeRoleWithWebIdentity', () => {
  const claims = { sub: 'repo:o/r', aud: 'sts.amazonaws.com', exp: Math.floor(Date.now() / 1000) + 300 };
  const send = (local: { sts: STSClient }, WebIdentityToken: string) =>
    local.sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: 'session', WebIdentityToken }));

  it('gives credentials for a token, without a signature', async () => {
    await using local = await startSts();
    const result = await send(local, token(claims));
    expect(result).toMatchObject({ SubjectFromWebIdentityToken: 'repo:o/r', Audience: 'sts.amazonaws.com' });
    expect(await list(local.server, result.Credentials ?? {})).toMatchObject({ KeyCount: 0 });
    expect(local.server.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('lets a hook check the claims', async () => {
    await using local = await startSts({ checkWebIdentity: ({ claims: { aud } }) => aud === 'mine' });
    await expect(send(local, token(claims))).rejects.toMatchObject({ name: 'InvalidIdentityTokenException' });
    await send(local, token({ ...claims, aud: 'mine' }));
  });

  it.each([
    ['that is none', 'not a token', 'InvalidIdentityTokenException'],
    ['whose time is over', token({ ...claims, exp: 1 }), 'ExpiredTokenException'],
  ])('refuses a token %s', async (_name, webIdentityToken, name) => {
    await using local = await startSts();
    await expect(send(local, webIdentityToken)).rejects.toMatchObject({ name });
  });
});

describe('GetCallerIdentity', () => {
  it('names the signer', async () => {
    await using local = await startSts();
    const whoami = new GetCallerIdentityCommand();
    expect(await local.sts.send(whoami)).toMatchObject({
      Account: '123456789012',
      Arn: 'arn:aws:iam::123456789012:user/test',
    });
    const { accessKeyId, secretAccessKey, sessionToken } = local.server.issueCredentials();
    const session = stsOf(local.server, { credentials: { accessKeyId, secretAccessKey, sessionToken } });
    expect((await session.send(whoami)).Arn).toContain(':assumed-role/');
  });
});
