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
  it('names the commit and the hashes under the keys of the Python tool, and adds a mark of its own', () => {
    expect(attributesOf({ sha256: 's1' }, { commit: COMMIT, codeHash: CODE_HASH })).toEqual({
      metadata: { 'commit-hash': COMMIT, 'package-hash': 's1', 'code-hash': CODE_HASH, 'asset-record': 'v1' },
    });
  });

  it('leaves out unknown fields', () => {
    expect(attributesOf({}, { commit: COMMIT })).toEqual({
      metadata: { 'commit-hash': COMMIT, 'asset-record': 'v1' },
    });
  });

  it('keeps the content type, caching and metadata of the file', () => {
    const file = { contentType: 'application/zip', cacheControl: 'no-cache', metadata: { team: 'a' } };
    expect(attributesOf(file, { commit: COMMIT })).toEqual({
      contentType: 'application/zip',
      cacheControl: 'no-cache',
      metadata: { team: 'a', 'commit-hash': COMMIT, 'asset-record': 'v1' },
    });
  });

  it('overrides reserved names in the metadata of a record', () => {
    const metadata = { 'commit-hash': 'other', 'package-hash': 'other', 'code-hash': 'other', 'asset-record': 'v0' };
    const own = attributesOf({ sha256: 's1', metadata }, { commit: COMMIT, codeHash: CODE_HASH });
    expect(own.metadata).toEqual({
      'commit-hash': COMMIT,
      'package-hash': 's1',
      'code-hash': CODE_HASH,
      'asset-record': 'v1',
    });
  });

  it('sets only reserved names', () => {
    const { metadata } = attributesOf({ sha256: 's1' }, { commit: COMMIT, codeHash: CODE_HASH });
    expect(new Set(Object.keys(metadata))).toEqual(RESERVED_METADATA);
  });
});

describe('userMetadata', () => {
  it('returns the metadata that the user added', () => {
    const file = { sha256: 's1', metadata: { team: 'a', stage: 'b' } };
    expect(userMetadata(attributesOf(file, { commit: COMMIT, codeHash: CODE_HASH }))).toEqual(file.metadata);
  });

  it('is undefined if the user added none', () => {
    expect(userMetadata(attributesOf({ sha256: 's1' }, { commit: COMMIT }))).toBeUndefined();
  });
});

describe('hasAttributes', () => {
  const wanted = { contentType: 'text/plain', cacheControl: 'no-cache', metadata: { team: 'web' } };

  it.each([
    ['the same', {}, true],
    ['names that this action adds', { metadata: { team: 'web', 'commit-hash': COMMIT } }, true],
    ['another type', { contentType: 'text/html' }, false],
    ['other caching', { cacheControl: 'max-age=60' }, false],
    ['other metadata', { metadata: { team: 'api' } }, false],
    ['less metadata', { metadata: {} }, false],
    ['more metadata', { metadata: { team: 'web', stage: 'live' } }, false],
  ])('compares the stored attributes with those wanted: %s', (_, stored, expected) => {
    expect(hasAttributes({ ...wanted, ...stored }, wanted)).toBe(expected);
  });

  it('accepts any type if none is wanted', () => {
    expect(hasAttributes({ contentType: 'binary/octet-stream', metadata: {} }, { metadata: {} })).toBe(true);
  });
});

describe('sha256Of', () => {
  it('is the digest that the store keeps, if there is one', () => {
    expect(sha256Of({ ...headWith({ 'package-hash': 'claimed' }), sha256: 'kept' })).toBe('kept');
  });

  it('is the digest in the metadata if the store keeps none', () => {
    expect(sha256Of(headWith({ 'package-hash': 'claimed' }))).toBe('claimed');
  });

  it('is undefined if neither has one', () => {
    expect(sha256Of(headWith({}))).toBeUndefined();
  });
});

describe('commitOf', () => {
  it('is the commit named in the metadata of the object', () => {
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
  it('recognizes our own objects by their mark', () => {
    expect(isRecorded(attributesOf({}, { commit: COMMIT }))).toBe(true);
  });

  it.each([{}, { 'commit-hash': COMMIT }, { 'asset-record': 'v2' }])('does not accept %j as our own', (metadata) => {
    expect(isRecorded({ metadata })).toBe(false);
  });
});
