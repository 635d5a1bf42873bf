import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { HashConstructor } from '@smithy/types';

/** The user's own is a string, a key that was derived from it is bytes. */
type Secret = string | Uint8Array;

/** Prepared once, since that takes longer than to use one: the few of a day are used for every request. */
const keys = new Map<Uint8Array, KeyObject>();
/** What the signer derives a day's key from, and by what it finds that again: the same for every request. */
const derived = new Map<string, Uint8Array>();

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
    return typeof this.#secret === 'string' ? derive(this.#secret, this.#bytes) : hmac(this.#secret, this.#bytes);
  }
}

function derive(secret: string, bytes: Uint8Array): Uint8Array {
  const name = `${secret}\n${Buffer.from(bytes).toString('latin1')}`;
  const known = derived.get(name) ?? hmac(secret, bytes);
  derived.set(name, known);
  return known;
}

function hmac(secret: Secret, bytes: Uint8Array): Uint8Array {
  return createHmac('sha256', typeof secret === 'string' ? secret : keyOf(secret))
    .update(bytes)
    .digest();
}

function keyOf(secret: Uint8Array): KeyObject {
  const key = keys.get(secret) ?? createSecretKey(secret);
  keys.set(secret, key);
  return key;
}
