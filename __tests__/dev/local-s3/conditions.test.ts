import { describe, expect, it } from '@jest/globals';
import { checkWrite, judgeRead, readConditions } from '../../../dev/local-s3/conditions.ts';
import { makeObject } from '../../../dev/local-s3/fixtures.ts';

const OTHER = '"00000000000000000000000000000000"';
const NOON = 'Tue, 01 Sep 2026 12:00:00 GMT';
const ELEVEN = 'Tue, 01 Sep 2026 11:00:00 GMT';
const object = makeObject('k', 'x', { lastModified: new Date(NOON) });

describe('judgeRead', () => {
  it.each([
    ['if-match', object.etag, 'go'],
    ['if-match', object.etag.replaceAll('"', ''), 'go'],
    ['if-match', `${OTHER}, ${object.etag}`, 'go'],
    ['if-match', '*', 'go'],
    ['if-match', OTHER, 'failed'],
    ['if-none-match', object.etag, 'not-modified'],
    ['if-none-match', `W/${object.etag}`, 'not-modified'],
    ['if-none-match', OTHER, 'go'],
    ['if-modified-since', NOON, 'not-modified'],
    ['if-modified-since', ELEVEN, 'go'],
    ['if-unmodified-since', NOON, 'go'],
    ['if-unmodified-since', ELEVEN, 'failed'],
  ])('%s: %s', (name, value, result) => {
    expect(judgeRead(object, readConditions({ [name]: value }))).toBe(result);
  });

  it('prefers an ETag to a date', () => {
    const headers = { 'if-match': object.etag, 'if-unmodified-since': ELEVEN };
    expect(judgeRead(object, readConditions(headers))).toBe('go');
  });

  it('reads the conditions on the source of a copy', () => {
    const conditions = readConditions({ 'x-amz-copy-source-if-match': OTHER }, 'x-amz-copy-source-');
    expect(judgeRead(object, conditions)).toBe('failed');
  });
});

describe('checkWrite', () => {
  it('lets an unconditional write pass', () => {
    expect(() => checkWrite(object, {}, 'k')).not.toThrow();
  });

  it('takes If-None-Match: * to mean that there is no object', () => {
    expect(() => checkWrite(undefined, { 'if-none-match': '*' }, 'k')).not.toThrow();
    expect(() => checkWrite(object, { 'if-none-match': '*' }, 'k')).toThrow('pre-conditions');
    expect(() => checkWrite(object, { 'if-none-match': OTHER }, 'k')).toThrow('not implemented');
  });

  it('compares If-Match with the current ETag', () => {
    expect(() => checkWrite(object, { 'if-match': object.etag }, 'k')).not.toThrow();
    expect(() => checkWrite(object, { 'if-match': OTHER }, 'k')).toThrow('pre-conditions');
    expect(() => checkWrite(undefined, { 'if-match': OTHER }, 'k')).toThrow('The specified key does not exist');
  });
});
