import { describe, expect, it } from '@jest/globals';
import {
  foundIn,
  type Handover,
  handedCodeHash,
  handoverName,
  isSameRequest,
  parseHandover,
} from '../../src/asset-set/handover.ts';
import { artifactSet, cacheSet, uriOf } from '../../src/asset-set/location.ts';

const COMMIT = 'c'.repeat(40);
const CODE_HASH = 'e'.repeat(64);
const OWN = artifactSet('team/app', COMMIT);
const PLACE = { endpoint: 'https://s3.example.com', bucket: 'b' };
const REQUEST = {
  kind: 'computed',
  algorithm: 'git-sha256',
  patterns: ['src/**'],
  salt: 'node=24',
  unmatchedPatterns: 'error',
} as const;
const HANDOVER: Handover = {
  endpoint: PLACE.endpoint,
  asked: uriOf('b', OWN),
  found: uriOf('b', cacheSet('team/app', CODE_HASH)),
  codeHashes: [handedCodeHash(REQUEST, CODE_HASH), { value: 'f'.repeat(32) }],
};

function parse(value: unknown) {
  return parseHandover(typeof value === 'string' ? value : JSON.stringify(value), PLACE, OWN);
}

describe('a handover file', () => {
  it('is read as it was written', () => {
    expect(parse(HANDOVER)).toEqual(HANDOVER);
    expect(parse({ ...HANDOVER, found: undefined, codeHashes: [handedCodeHash(REQUEST, undefined)] })).toBeDefined();
  });

  it.each([
    ['of another server', { ...HANDOVER, endpoint: 'https://mirror.example.com' }],
    ['of another bucket', { ...HANDOVER, asked: uriOf('other', OWN) }],
    ['of another prefix', { ...HANDOVER, asked: uriOf('b', artifactSet('team', COMMIT)) }],
    ['of another commit', { ...HANDOVER, asked: uriOf('b', artifactSet('team/app', 'd'.repeat(40))) }],
    ['without a list of code hashes', { ...HANDOVER, codeHashes: {} }],
    ['with an invalid code hash', { ...HANDOVER, codeHashes: [{ value: '../../records' }] }],
    ['with a given code hash that has no value', { ...HANDOVER, codeHashes: [{}] }],
    ['with a code hash of an unknown algorithm', { ...HANDOVER, codeHashes: [{ value: CODE_HASH, algorithm: 'x' }] }],
    ['with a code hash of unknown patterns', { ...HANDOVER, codeHashes: [{ value: CODE_HASH, algorithm: 'md5' }] }],
    ['with null for a code hash', { ...HANDOVER, codeHashes: [null] }],
    ['with a number as the set found', { ...HANDOVER, found: 1 }],
    ['that is null', null],
    ['that is not JSON', 'found'],
    ['that is empty', ''],
  ])('%s is ignored', (_, value) => {
    expect(parse(value)).toBeUndefined();
  });

  it.each([
    ['of another bucket', `s3://other/${OWN.prefix}`],
    ['of no set', 's3://b/records/'],
    ['with `..` in it', 's3://b/artifacts/cc/../x'],
    ['without an id', 's3://b/artifacts//'],
  ])('names no set if the address is one %s', (_, found) => {
    expect(foundIn({ ...HANDOVER, found }, 'b')).toBeUndefined();
  });

  it.each([OWN, artifactSet('', COMMIT), cacheSet('cache/artifacts', CODE_HASH)])('names the set %j', (location) => {
    expect(foundIn({ ...HANDOVER, found: uriOf('b', location) }, 'b')).toEqual(location);
  });

  it('has another name for another server, bucket, prefix or commit', () => {
    const names = [
      handoverName(PLACE, OWN),
      handoverName({ ...PLACE, endpoint: 'aws' }, OWN),
      handoverName({ ...PLACE, bucket: 'other' }, OWN),
      handoverName(PLACE, artifactSet('team', COMMIT)),
      handoverName(PLACE, artifactSet('team/app', 'd'.repeat(40))),
    ];
    expect(new Set(names).size).toBe(names.length);
    expect(handoverName(PLACE, OWN)).toBe(names[0]);
  });
});

describe('a code hash that is handed over', () => {
  it('lists its inputs, but not the salt', () => {
    const handed = handedCodeHash(REQUEST, CODE_HASH);
    expect(handed).toEqual({
      value: CODE_HASH,
      algorithm: 'git-sha256',
      patterns: ['src/**'],
      saltDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(JSON.stringify(handed)).not.toContain('node');
  });

  it.each([
    ['another salt', { ...REQUEST, salt: '' }],
    ['other patterns', { ...REQUEST, patterns: ['src/**', 'x'] }],
    ['another algorithm', { ...REQUEST, algorithm: 'md5' }],
    ['a given value', { kind: 'given', value: CODE_HASH }],
  ] as const)('is not that of %s', (_, other) => {
    const own = handedCodeHash(REQUEST, CODE_HASH);
    expect(isSameRequest(own, handedCodeHash(other, CODE_HASH))).toBe(false);
    expect(isSameRequest(own, handedCodeHash(REQUEST, undefined))).toBe(true);
  });
});
