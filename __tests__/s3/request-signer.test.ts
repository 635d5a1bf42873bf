import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { HttpRequest } from '@smithy/core/protocols';
import { clearCredentialCache, SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentity, Checksum, SourceData } from '@smithy/types';
import { HeaderSigner } from '../../src/s3/signed-request.ts';

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

/** The simplest case. */
class PlainSha256 implements Checksum {
  readonly #hash;

  constructor(secret?: SourceData) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string | Uint8Array);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

/** Signs with the SDK's own signer, and with a key derived for this request only. */
async function expected(credentials: AwsCredentialIdentity, signingDate: Date): Promise<string | undefined> {
  const settings = { credentials, region: 'eu-west-1', service: 's3', sha256: PlainSha256, uriEscapePath: false };
  clearCredentialCache();
  const { headers } = await new SignatureV4(settings).sign(request(), { signingDate });
  clearCredentialCache();
  return headers.authorization;
}

describe('HeaderSigner', () => {
  it("signs like the SDK's own signer, for any day and any credentials", async () => {
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
