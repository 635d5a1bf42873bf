import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { InputError } from '../errors.ts';
import type { ObjectStore } from '../ports.ts';

// A signed record ends with the field `signature`, always in this form. The signature covers the bytes before it, so
// nothing has to be parsed or serialized again before it is verified.

const CONTEXT = 's3-asset-manager/record-signature/v1';
const SIGNATURE = /^,"signature":\{"keyId":"([0-9a-f]{16})","value":"([A-Za-z0-9+/]{86}==)"\}\}$/;
const SIGNATURE_BYTES = signatureField('0'.repeat(16), 'A'.repeat(88)).length;
const CLOSING_BRACE = Buffer.from('}');

/** A record's key and bytes, which are one JSON object without trailing white space. */
export interface PlacedRecord {
  /** Covered by the signature, so that a record can't stand in for one of another commit, code hash or prefix. */
  readonly recordKey: string;
  readonly body: Buffer;
}

/** @returns the record with a signature */
export function signedRecord({ recordKey, body }: PlacedRecord, { id, key }: NamedKey): Buffer {
  const lengthBytes = body.length - CLOSING_BRACE.length;
  const value = sign(null, messageOf({ recordKey, body }, lengthBytes), key).toString('base64');
  return Buffer.concat([body.subarray(0, lengthBytes), signatureField(id, value)]);
}

export interface OpenedRecord {
  /** Without the signature, if it has one. */
  readonly body: Buffer;
  /** Why the record does not count; undefined if a trusted key has signed these bytes for this record key. */
  readonly distrust: string | undefined;
}

/** @param trusted public keys, by id */
export function openRecord(record: PlacedRecord, trusted: ReadonlyMap<string, KeyObject>): OpenedRecord {
  const lengthBytes = record.body.length - SIGNATURE_BYTES;
  const [, id, value] = SIGNATURE.exec(record.body.toString('latin1', Math.max(lengthBytes, 0))) ?? [];
  if (id === undefined || value === undefined)
    return { body: record.body, distrust: 'its record is not signed by any of the keys' };
  const body = Buffer.concat([record.body.subarray(0, lengthBytes), CLOSING_BRACE]);
  const key = trusted.get(id);
  if (key === undefined)
    return {
      body,
      distrust: `its record is signed with the key ${id}, and only ${[...trusted.keys()].join(', ')} would count`,
    };
  const isRight = verify(null, messageOf(record, lengthBytes), key, Buffer.from(value, 'base64'));
  return { body, distrust: isRight ? undefined : `its record is not what the key ${id} has signed` };
}

function signatureField(id: string, value: string): Buffer {
  return Buffer.from(`,"signature":${JSON.stringify({ keyId: id, value })}}`);
}

/** The signed message: the record's key and the digest of its bytes. */
function messageOf({ recordKey, body }: PlacedRecord, lengthBytes: number): Buffer {
  return Buffer.from(`${CONTEXT}\0${recordKey}\0${hash('sha256', body.subarray(0, lengthBytes), 'hex')}`);
}

/** An Ed25519 key. Signatures name it by its id: the first 16 hex digits of the SHA-256 of its public part in DER. */
export interface NamedKey {
  readonly id: string;
  readonly key: KeyObject;
}

/** The keys whose records count, and the key that this run signs with. */
export interface RecordKeys {
  /** Undefined if this run can't write a record that counts. */
  readonly signing: NamedKey | undefined;
  /** Public keys, by id. */
  readonly trusted: ReadonlyMap<string, KeyObject>;
}

/** The inputs `signing-key` and `verify-keys`. */
export interface KeyTexts {
  /** PKCS #8, as PEM or only its base64. */
  readonly signingKey: string | undefined;
  /** SubjectPublicKeyInfo, each as PEM or only its base64; separated by white space or commas. */
  readonly verifyKeys: string | undefined;
}

const PUBLIC_ADVICE = "give one a line, of what 'openssl pkey -pubout' writes";
const PEM_LABEL = /-----(BEGIN|END) [A-Z ]+-----/g;

/**
 * Reads the keys. Records signed with `signing-key` count, whether or not `verify-keys` has its public key.
 *
 * @throws InputError for anything but an Ed25519 key; the message never shows the key, which may be a private one given
 *   by mistake
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
    "signing-key is not an Ed25519 private key: give what 'openssl genpkey -algorithm ed25519' writes, by a secret",
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

/** @throws Error for characters other than base64, which Node would skip or stop at */
function bytesOf(base64: string): Buffer {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64) throw new Error('This is no base64');
  return bytes;
}

/** @returns undefined if the key can't be read or is of another type */
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

/**
 * Wraps a store whose documents are all records. They are signed when written, if there is a signing key. When read,
 * they come without the signature, and with the reason not to trust them if there is one.
 */
export function signedStore(store: ObjectStore, { signing, trusted }: RecordKeys): ObjectStore {
  return {
    ...store,
    requiresSignatures: true,
    writeDocument: (recordKey, body, condition) => {
      const written = signing === undefined ? body : signedRecord({ recordKey, body }, signing);
      return store.writeDocument(recordKey, written, condition);
    },
    readDocument: async (recordKey, signal) => {
      const document = await store.readDocument(recordKey, signal);
      return document && { ...document, ...openRecord({ recordKey, body: document.body }, trusted) };
    },
  };
}
