import { createHash, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRecord } from '../../src/asset-set/record.ts';
import { openRecord, signedRecord } from '../../src/asset-set/signature.ts';
import { edited, edits } from '../fuzz/fuzzing.ts';
import { newRecordKeys } from './key-pair.ts';
import { assetFile, completeRecord, recordText } from './records.ts';

const RECORD_KEY = 'main/records/artifacts/c.json';
const RECORD = Buffer.from(recordText(completeRecord([assetFile('app.zip'), assetFile('ä.txt')])));

const { signing, trusted } = newRecordKeys();
const SIGNED = Buffer.from(signedRecord({ recordKey: RECORD_KEY, body: RECORD }, signing).toString());

function distrustOf(body: Buffer, recordKey = RECORD_KEY): string | undefined {
  return openRecord({ recordKey, body }, trusted).distrust;
}

describe('a signed record', () => {
  it('is the record with one more field, which readers without keys ignore', () => {
    expect(parseRecord(SIGNED.toString(), 'record')).toEqual(parseRecord(RECORD.toString(), 'record'));
    const { signature, ...rest } = JSON.parse(SIGNED.toString());
    expect(rest).toEqual(JSON.parse(RECORD.toString()));
    expect(signature).toEqual({ keyId: signing.id, value: expect.stringMatching(/^[A-Za-z0-9+/]{86}==$/) });
  });

  it('is signed as documented', () => {
    const [before = '', value = ''] = SIGNED.toString().split(/,"signature":.*"value":"|"\}\}$/);
    const digest = createHash('sha256').update(before).digest('hex');
    const message = Buffer.from(`s3-asset-manager/record-signature/v1\0${RECORD_KEY}\0${digest}`);
    expect(before).toBe(RECORD.toString().slice(0, -1));
    expect(verify(null, message, createPublicKey(signing.key), Buffer.from(value, 'base64'))).toBe(true);
  });

  it('is trusted at its own key, and reads the same as without the signature', () => {
    const { body, distrust } = openRecord({ recordKey: RECORD_KEY, body: SIGNED }, trusted);
    expect(distrust).toBeUndefined();
    expect(body.toString()).toBe(RECORD.toString());
  });

  it('is the same each time, so that a write whose reply was lost is recognized', () => {
    expect(signedRecord({ recordKey: RECORD_KEY, body: RECORD }, signing).toString()).toBe(SIGNED.toString());
  });
});

describe('a record is not trusted', () => {
  it('without a signature', () => {
    expect(distrustOf(RECORD)).toBe('its record is not signed by any of the keys');
  });

  it.each(['', '{}', '"}}', ',"signature":{"keyId":"","value":""}}'])("if it is only '%s'", (text) => {
    expect(distrustOf(Buffer.from(text))).toBe('its record is not signed by any of the keys');
  });

  it.each([
    ['another commit', 'main/records/artifacts/d.json'],
    ['a code hash', 'main/records/cache/c.json'],
    ['another prefix', 'records/artifacts/c.json'],
  ])('if it is at the key of %s', (_, recordKey) => {
    expect(distrustOf(SIGNED, recordKey)).toBe(`its record is not what the key ${signing.id} has signed`);
  });

  it('if it was signed with another key', () => {
    const other = newRecordKeys();
    const body = signedRecord({ recordKey: RECORD_KEY, body: RECORD }, other.signing);
    expect(openRecord({ recordKey: RECORD_KEY, body }, trusted).distrust).toBe(
      `its record is signed with the key ${other.signing.id}, and only ${signing.id} would count`,
    );
  });

  it('if it was signed with another key under the id of ours', () => {
    const body = signedRecord({ recordKey: RECORD_KEY, body: RECORD }, { ...newRecordKeys().signing, id: signing.id });
    expect(openRecord({ recordKey: RECORD_KEY, body }, trusted).distrust).toContain('is not what the key');
  });

  it('if any byte of it was changed', () => {
    for (let at = 0; at < SIGNED.length; at += 1) {
      const forged = Buffer.from(SIGNED);
      forged.writeUInt8(forged.readUInt8(at) ^ 1, at);
      expect(distrustOf(forged)).toEqual(expect.any(String));
    }
  });

  it('if any byte of it was removed or added', () => {
    for (let at = 0; at <= SIGNED.length; at += 1) {
      const [before, after] = [SIGNED.subarray(0, at), SIGNED.subarray(at)];
      expect(distrustOf(Buffer.concat([before, Buffer.from(' '), after]))).toEqual(expect.any(String));
      if (after.length > 0) expect(distrustOf(Buffer.concat([before, after.subarray(1)]))).toEqual(expect.any(String));
    }
  });

  it('after any other change', () => {
    const pieces = ['{', '}', ',', '"', '"files":[]', ',"signature":', SIGNED.toString(), RECORD.toString()];
    fc.assert(
      fc.property(edits(pieces), (changes) => {
        const text = edited(SIGNED.toString(), changes);
        const { distrust } = openRecord({ recordKey: RECORD_KEY, body: Buffer.from(text) }, trusted);
        expect(distrust === undefined).toBe(text === SIGNED.toString());
      }),
      { numRuns: 5000 },
    );
  });
});
