import { hash, type KeyObject, sign, verify } from 'node:crypto';
import type { NamedKey } from './signing-keys.ts';

// A signed record ends with the field `signature`, in this one form. What is signed are the bytes before it, so that
// nothing needs to be parsed, or written anew, before the signature is known to be right.

const CONTEXT = 's3-asset-manager/record-signature/v1';
const SIGNATURE = /^,"signature":\{"keyId":"([0-9a-f]{16})","value":"([A-Za-z0-9+/]{86}==)"\}\}$/;
const SIGNATURE_BYTES = signatureField('0'.repeat(16), 'A'.repeat(88)).length;
const CLOSING_BRACE = Buffer.from('}');

/** A record's bytes, one JSON object without white space at its end, and where they lie. */
export interface PlacedRecord {
  /** A record counts nowhere else: that of one commit says nothing about another, nor that of one prefix. */
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
  /** Why the record does not count; undefined where one of the keys has signed just these bytes for this place. */
  readonly distrust: string | undefined;
}

/** @param trusted public keys, by id */
export function openRecord(record: PlacedRecord, trusted: ReadonlyMap<string, KeyObject>): OpenedRecord {
  const lengthBytes = record.body.length - SIGNATURE_BYTES;
  const [, id, value] = SIGNATURE.exec(record.body.toString('latin1', Math.max(lengthBytes, 0))) ?? [];
  if (id === undefined || value === undefined) return { body: record.body, distrust: 'its record is not signed' };
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

/** The record's digest stands for it. */
function messageOf({ recordKey, body }: PlacedRecord, lengthBytes: number): Buffer {
  return Buffer.from(`${CONTEXT}\0${recordKey}\0${hash('sha256', body.subarray(0, lengthBytes), 'hex')}`);
}
