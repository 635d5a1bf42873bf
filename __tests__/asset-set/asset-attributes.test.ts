import { describe, expect, it } from '@jest/globals';
import {
  attributesOf,
  commitOf,
  hasAttributes,
  isRecorded,
  RESERVED_METADATA,
  sha256Of,
  userMetadata,
} from '../../src/asset-set/attributes.ts';
import { CODE_HASH, COMMIT } from './records.ts';

function headWith(metadata: Record<string, string>) {
  return { sizeBytes: 3, etag: '"e1"', metadata };
}

describe('attributesOf', () => {
  it('tells whose an asset is, in the names the Python tool wrote and one of its own', () => {
    expect(attributesOf({ sha256: 's1' }, { commit: COMMIT, codeHash: CODE_HASH })).toEqual({
      metadata: { 'commit-hash': COMMIT, 'package-hash': 's1', 'code-hash': CODE_HASH, 'asset-record': 'v1' },
    });
  });

  it('leaves out what is not known', () => {
    expect(attributesOf({}, { commit: COMMIT })).toEqual({
      metadata: { 'commit-hash': COMMIT, 'asset-record': 'v1' },
    });
  });

  it('sends what the file was sent with', () => {
    const file = { contentType: 'application/zip', cacheControl: 'no-cache', metadata: { team: 'a' } };
    expect(attributesOf(file, { commit: COMMIT })).toEqual({
      contentType: 'application/zip',
      cacheControl: 'no-cache',
      metadata: { team: 'a', 'commit-hash': COMMIT, 'asset-record': 'v1' },
    });
  });

  it('does not let metadata of a record stand in for its own', () => {
    const metadata = { 'commit-hash': 'other', 'package-hash': 'other', 'code-hash': 'other', 'asset-record': 'v0' };
    const own = attributesOf({ sha256: 's1', metadata }, { commit: COMMIT, codeHash: CODE_HASH });
    expect(own.metadata).toEqual({
      'commit-hash': COMMIT,
      'package-hash': 's1',
      'code-hash': CODE_HASH,
      'asset-record': 'v1',
    });
  });

  it('sets no name that is not reserved', () => {
    const { metadata } = attributesOf({ sha256: 's1' }, { commit: COMMIT, codeHash: CODE_HASH });
    expect(new Set(Object.keys(metadata))).toEqual(RESERVED_METADATA);
  });
});

describe('userMetadata', () => {
  it('gives back what the user had added', () => {
    const file = { sha256: 's1', metadata: { team: 'a', stage: 'b' } };
    expect(userMetadata(attributesOf(file, { commit: COMMIT, codeHash: CODE_HASH }))).toEqual(file.metadata);
  });

  it('is undefined where that is nothing', () => {
    expect(userMetadata(attributesOf({ sha256: 's1' }, { commit: COMMIT }))).toBeUndefined();
  });
});

describe('hasAttributes', () => {
  const wanted = { contentType: 'text/plain', cacheControl: 'no-cache', metadata: { team: 'web' } };

  it.each([
    ['the very same', {}, true],
    ['what the store and other commits add', { metadata: { team: 'web', 'commit-hash': COMMIT } }, true],
    ['another type', { contentType: 'text/html' }, false],
    ['other caching', { cacheControl: 'max-age=60' }, false],
    ['other metadata', { metadata: { team: 'api' } }, false],
    ['less metadata', { metadata: {} }, false],
    ['more metadata', { metadata: { team: 'web', stage: 'live' } }, false],
  ])('tells %s', (_, stored, expected) => {
    expect(hasAttributes({ ...wanted, ...stored }, wanted)).toBe(expected);
  });

  it('takes any type where none is wanted', () => {
    expect(hasAttributes({ contentType: 'binary/octet-stream', metadata: {} }, { metadata: {} })).toBe(true);
  });
});

describe('sha256Of', () => {
  it('is the digest that the store keeps', () => {
    expect(sha256Of({ ...headWith({ 'package-hash': 'claimed' }), sha256: 'kept' })).toBe('kept');
  });

  it('is what the writer claimed where the store keeps none', () => {
    expect(sha256Of(headWith({ 'package-hash': 'claimed' }))).toBe('claimed');
  });

  it('is undefined where nobody said', () => {
    expect(sha256Of(headWith({}))).toBeUndefined();
  });
});

describe('commitOf', () => {
  it('is the commit an object says it is of', () => {
    expect(commitOf(headWith({ 'commit-hash': COMMIT }))).toBe(COMMIT);
  });

  it.each([{}, { 'commit-hash': '' }, { 'commit-hash': 'abc1234' }, { 'commit-hash': `${COMMIT}; rm -rf /` }])(
    'is undefined for %j',
    (metadata) => {
      expect(commitOf(headWith(metadata))).toBeUndefined();
    },
  );
});

describe('isRecorded', () => {
  it('tells our own objects by their mark', () => {
    expect(isRecorded(attributesOf({}, { commit: COMMIT }))).toBe(true);
  });

  it.each([{}, { 'commit-hash': COMMIT }, { 'asset-record': 'v2' }])('does not take %j for one', (metadata) => {
    expect(isRecorded({ metadata })).toBe(false);
  });
});
