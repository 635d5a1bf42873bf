import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity } from '@smithy/types';
import { HeaderSigner } from '../../../src/adapters/s3/request-signer.ts';
import { Sha256 } from '../../../src/adapters/s3/sha256.ts';

const BODY_HASH = createHash('sha256').update('body').digest('hex');
const CREDENTIALS = { accessKeyId: 'first', secretAccessKey: 'secret one' };
const RENEWED = { accessKeyId: 'second', secretAccessKey: 'secret two', sessionToken: 'token' };
const MORNING = new Date('2026-02-28T00:00:00.999Z');
const EVENING = new Date('2026-02-28T23:59:59.001Z');
const NEXT_DAY = new Date('2026-03-01T00:00:00Z');

function request(): HttpRequest {
  return new HttpRequest({
    method: 'PUT',
    hostname: 'bucket.example',
    path: '/artifacts/%C3%A9/a%20b.zip',
    query: { partNumber: '1', uploadId: 'a/b' },
    headers: { host: 'bucket.example', 'x-amz-meta-name': '  two   words ', 'x-amz-content-sha256': BODY_HASH },
  });
}

/** As the SDK's whole signer does it, anew for each request. */
async function expected(credentials: AwsCredentialIdentity, signingDate: Date): Promise<string | undefined> {
  const signer = new SignatureV4({
    credentials,
    region: 'eu-west-1',
    service: 's3',
    sha256: Sha256,
    uriEscapePath: false,
  });
  const { headers } = await signer.sign(request(), { signingDate });
  return headers.authorization;
}

describe('HeaderSigner', () => {
  it('signs as the whole signer does, whatever day it is and whichever credentials are in force', async () => {
    let credentials: AwsCredentialIdentity = CREDENTIALS;
    const signer = new HeaderSigner('eu-west-1', async () => credentials);
    const authorization = async (signingDate: Date) =>
      (await signer.sign(request(), { signingDate })).headers.authorization;

    expect(await authorization(MORNING)).toBe(await expected(CREDENTIALS, MORNING));
    expect(await authorization(EVENING)).toBe(await expected(CREDENTIALS, EVENING));
    expect(await authorization(NEXT_DAY)).toBe(await expected(CREDENTIALS, NEXT_DAY));
    expect(await authorization(MORNING)).toBe(await expected(CREDENTIALS, MORNING));
    credentials = RENEWED;
    expect(await authorization(MORNING)).toBe(await expected(RENEWED, MORNING));
    expect(await authorization(NEXT_DAY)).toBe(await expected(RENEWED, NEXT_DAY));
  });
});
