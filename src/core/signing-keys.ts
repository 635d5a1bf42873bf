import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { InputError } from '../errors.ts';

/** An Ed25519 key, and how a signature names it: the first 16 hex digits of the SHA-256 of its public part, as DER. */
export interface NamedKey {
  readonly id: string;
  readonly key: KeyObject;
}

/** Whose records count, and what this run signs its own with. */
export interface RecordKeys {
  /** Undefined: this run can't write a record that counts. */
  readonly signing: NamedKey | undefined;
  /** Public, by id. */
  readonly trusted: ReadonlyMap<string, KeyObject>;
}

/** The inputs `signing-key` and `verify-keys`. */
export interface KeyTexts {
  /** PKCS #8, as PEM or its base64 alone. */
  readonly signingKey: string | undefined;
  /** SubjectPublicKeyInfo, the base64 of each on a line of its own; PEM's first and last lines may stand around it. */
  readonly verifyKeys: readonly string[];
}

const PEM_LABEL = /^-----(BEGIN|END) [A-Z ]+-----$/;

/**
 * Reads the keys. What is signed with `signing-key` counts, whether or not its public part is among the others.
 *
 * @throws InputError for what is no Ed25519 key; it shows none, since a private one may have been mistaken for a public one
 */
export function recordKeys({ signingKey, verifyKeys }: KeyTexts): RecordKeys {
  const signing = signingKey === undefined ? undefined : readSigningKey(signingKey);
  const trusted = new Map<string, KeyObject>();
  for (const [index, text] of verifyKeys.filter((line) => !PEM_LABEL.test(line)).entries()) {
    const { id, key } = readVerifyKey(text, index + 1);
    trusted.set(id, key);
  }
  if (signing !== undefined) trusted.set(signing.id, createPublicKey(signing.key));
  return { signing, trusted };
}

function readSigningKey(text: string): NamedKey {
  const base64 = text.replaceAll(/-----(BEGIN|END) [A-Z ]+-----|\s/g, '');
  const key = ed25519(() => createPrivateKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'pkcs8' }));
  if (key !== undefined) return { id: idOf(createPublicKey(key)), key };
  throw new InputError(
    "signing-key is no Ed25519 private key: give what 'openssl genpkey -algorithm ed25519' writes, by a secret",
  );
}

function readVerifyKey(text: string, number: number): NamedKey {
  const key = ed25519(() => createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' }));
  if (key !== undefined) return { id: idOf(key), key };
  throw new InputError(
    `verify-keys has no Ed25519 public key as number ${number}: give one a line, of what 'openssl pkey -pubout' writes`,
  );
}

/** @returns undefined where it can't be read, or is of another kind */
function ed25519(read: () => KeyObject): KeyObject | undefined {
  try {
    const key = read();
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

function idOf(publicKey: KeyObject): string {
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(der).digest('hex').slice(0, 16);
}
