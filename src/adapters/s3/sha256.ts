import { createHmac, createSecretKey, hash } from 'node:crypto';
import type { HashConstructor } from '@smithy/types';

/** The user's own is a string, a key that was derived from it is bytes. */
type Secret = string | Uint8Array;

/** SHA-256, or HMAC with it where there is a secret, as the SDK's signer asks for it. */
export class Sha256 {
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
