import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import {
  ALGORITHM_IDENTIFIER,
  AMZ_DATE_HEADER,
  AUTH_HEADER,
  createScope,
  getCanonicalHeaders,
  getCanonicalQuery,
  getPayloadHash,
  getSigningKey,
  prepareRequest,
  SHA256_HEADER,
  TOKEN_HEADER,
} from '@smithy/signature-v4';
import type {
  AwsCredentialIdentity,
  HashConstructor,
  HttpRequest,
  RequestSigner,
  RequestSigningArguments,
} from '@smithy/types';

const SERVICE = 's3';

/**
 * Signs requests in their headers, by https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html. The
 * parts are the SDK's; its own signer puts them together as well, but brings along what signs addresses and streams of
 * events, a tenth of all that a check loads.
 */
export class HeaderSigner implements RequestSigner {
  readonly #region: string;
  readonly #credentials: () => Promise<AwsCredentialIdentity>;
  #last: DerivedKey | undefined;

  constructor(region: string, credentials: () => Promise<AwsCredentialIdentity>) {
    this.#region = region;
    this.#credentials = credentials;
  }

  /** @returns a copy with the headers that the signature adds */
  async sign(request: HttpRequest, { signingDate = new Date() }: RequestSigningArguments = {}): Promise<HttpRequest> {
    const credentials = await this.#credentials();
    const signed = prepareRequest(request);
    const time = new Date(signingDate).toISOString().replace(/\.\d+|\W/g, '');
    const day = time.slice(0, 8);
    const scope = createScope(day, this.#region, SERVICE);
    signed.headers[AMZ_DATE_HEADER] = time;
    if (credentials.sessionToken) signed.headers[TOKEN_HEADER] = credentials.sessionToken;
    const contentHash = await getPayloadHash(signed, Sha256);
    signed.headers[SHA256_HEADER] = contentHash;
    const headers = getCanonicalHeaders(signed);
    const names = Object.keys(headers).sort();
    const canonical = [
      signed.method,
      // S3 takes the path as it was sent.
      signed.path,
      getCanonicalQuery(signed),
      ...names.map((name) => `${name}:${headers[name]}`),
      '',
      names.join(';'),
      contentHash,
    ].join('\n');
    const text = [ALGORITHM_IDENTIFIER, time, scope, hash('sha256', canonical)].join('\n');
    const signature = createHmac('sha256', await this.#keyOf(credentials, day))
      .update(text)
      .digest('hex');
    signed.headers[AUTH_HEADER] =
      `${ALGORITHM_IDENTIFIER} Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
    return signed;
  }

  /** Derived once for the day and the credentials: to look it up, the SDK's own cache takes an HMAC for each request. */
  #keyOf(credentials: AwsCredentialIdentity, day: string): Promise<KeyObject> {
    if (this.#last?.credentials !== credentials || this.#last.day !== day)
      this.#last = { credentials, day, key: this.#derive(credentials, day) };
    return this.#last.key;
  }

  async #derive(credentials: AwsCredentialIdentity, day: string): Promise<KeyObject> {
    return createSecretKey(await getSigningKey(Sha256, credentials, day, this.#region, SERVICE));
  }
}

interface DerivedKey {
  readonly credentials: AwsCredentialIdentity;
  readonly day: string;
  readonly key: Promise<KeyObject>;
}

/** The user's own is a string, a key that was derived from it is bytes. */
type Secret = string | Uint8Array;

/** SHA-256, or HMAC with it where there is a secret, as the SDK's signer asks for it. */
class Sha256 {
  readonly #secret: Secret | undefined;
  #bytes: Uint8Array = Buffer.of();

  constructor(secret?: ConstructorParameters<HashConstructor>[0]) {
    if (typeof secret === 'object' && !(secret instanceof Uint8Array)) throw new TypeError('A key has to be bytes');
    this.#secret = secret;
  }

  update(bytes: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
  }

  async digest(): Promise<Uint8Array> {
    if (this.#secret === undefined) return hash('sha256', this.#bytes, 'buffer');
    // Of bytes Node finds out by two errors that they are no KeyObject, which takes longer than all the rest.
    const key = typeof this.#secret === 'string' ? this.#secret : createSecretKey(this.#secret);
    return createHmac('sha256', key).update(this.#bytes).digest();
  }
}
