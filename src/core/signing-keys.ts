import { createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto';
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
  /** SubjectPublicKeyInfo, each as PEM or its base64 alone; divided by white space or commas. */
  readonly verifyKeys: string | undefined;
}

const PUBLIC_ADVICE = "give one a line, of what 'openssl pkey -pubout' writes";
const PEM_LABEL = /-----(BEGIN|END) [A-Z ]+-----/g;

/**
 * Reads the keys. What is signed with `signing-key` counts, whether or not its public part is among the others.
 *
 * @throws InputError for what is no Ed25519 key; it shows none, since a private one may have been mistaken for a public one
 */
export function recordKeys({ signingKey, verifyKeys }: KeyTexts): RecordKeys {
  const key = signingKey === undefined ? undefined : readSigningKey(signingKey);
  const own = key && named(createPublicKey(key));
  const given = verifyKeys === undefined ? [] : readVerifyKeys(verifyKeys).map(named);
  const trusted = new Map([...given, ...(own === undefined ? [] : [own])].map((one) => [one.id, one.key]));
  return { signing: key && own && { id: own.id, key }, trusted };
}

function readSigningKey(text: string): KeyObject {
  const key = privateKeyOf(text.replaceAll(PEM_LABEL, '').replaceAll(/\s/g, ''));
  if (key !== undefined) return key;
  throw new InputError(
    "signing-key is no Ed25519 private key: give what 'openssl genpkey -algorithm ed25519' writes, by a secret",
  );
}

function readVerifyKeys(text: string): KeyObject[] {
  const items = text
    .replaceAll(PEM_LABEL, ' ')
    .split(/[\s,]+/)
    .filter((item) => item !== '');
  if (items.length === 0) throw new InputError(`verify-keys has no key: ${PUBLIC_ADVICE}`);
  return items.map((item, index) => readVerifyKey(item, index + 1));
}

function readVerifyKey(base64: string, number: number): KeyObject {
  const key = publicKeyOf(base64);
  if (key !== undefined) return key;
  if (privateKeyOf(base64) !== undefined)
    throw new InputError(
      `verify-keys has a private key as number ${number}: make a new pair, since the log may show this one, and give the public key`,
    );
  throw new InputError(`verify-keys has no Ed25519 public key as number ${number}: ${PUBLIC_ADVICE}`);
}

function privateKeyOf(base64: string): KeyObject | undefined {
  return ed25519(() => createPrivateKey({ key: bytesOf(base64), format: 'der', type: 'pkcs8' }));
}

function publicKeyOf(base64: string): KeyObject | undefined {
  return ed25519(() => createPublicKey({ key: bytesOf(base64), format: 'der', type: 'spki' }));
}

/** @throws Error for anything besides base64, which Node would skip, or end at */
function bytesOf(base64: string): Buffer {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64) throw new Error('This is no base64');
  return bytes;
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

function named(publicKey: KeyObject): NamedKey {
  const digest = hash('sha256', publicKey.export({ format: 'der', type: 'spki' }), 'hex');
  return { id: digest.slice(0, 16), key: publicKey };
}
