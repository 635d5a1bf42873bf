import { createHash, createHmac, createSecretKey, type Hash, type Hmac, type KeyObject } from 'node:crypto';
import type { HashConstructor } from '@smithy/types';

type Secret = ConstructorParameters<HashConstructor>[0];

/** Prepared once, since that takes longer than to use one: the few of a day are used for every request. */
const keys = new Map<NonNullable<Secret>, KeyObject>();

/** SHA-256, or HMAC with it where there is a secret, as the SDK's signer asks for it. */
export class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: Secret) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', keyOf(secret));
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
}

function keyOf(secret: NonNullable<Secret>): KeyObject {
  const key = keys.get(secret) ?? createSecretKey(toBytes(secret));
  keys.set(secret, key);
  return key;
}

function toBytes(secret: NonNullable<Secret>): Uint8Array {
  if (typeof secret === 'string') return Buffer.from(secret);
  return ArrayBuffer.isView(secret)
    ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
    : Buffer.from(secret);
}
