import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { parseQuery, parseRequest } from '../../../dev/local-s3/s3-request.ts';

function parse(url: string, ...rawHeaders: string[]) {
  const message = new IncomingMessage(new Socket());
  return parseRequest(Object.assign(message, { url, method: 'GET', rawHeaders }));
}

describe('parseRequest', () => {
  it.each([
    ['/', undefined, undefined],
    ['/b', 'b', undefined],
    ['/b/', 'b', undefined],
    ['/b/k', 'b', 'k'],
    ['/b//k', 'b', '/k'],
    ['/b/../x/./y//', 'b', '../x/./y//'],
    ['/b/a%2Fb%20c+d%0A%F0%9F%98%80%25', 'b', 'a/b c+d\n😀%'],
    ['/b/k?list-type=2', 'b', 'k'],
  ])('finds bucket and key in %s', (url, bucket, key) => {
    expect(parse(url, 'Host', '127.0.0.1:9000')).toMatchObject({ bucket, key, malformed: false });
  });

  it('finds the bucket in the host name', () => {
    expect(parse('/k/l', 'Host', 'my.bucket.localhost:9000')).toMatchObject({ bucket: 'my.bucket', key: 'k/l' });
    expect(parse('/', 'Host', 'b.localhost')).toMatchObject({ bucket: 'b', key: undefined });
  });

  it('keeps the target as received', () => {
    const request = parse('/b/%7e?x=%2f&y');
    expect(request).toMatchObject({ rawPath: '/b/%7e', rawQuery: 'x=%2f&y', query: { x: '/', y: '' } });
  });

  it('joins repeated headers', () => {
    expect(parse('/', 'X-A', '1', 'x-a', '2').headers).toEqual({ 'x-a': '1,2' });
  });

  it('marks a target that cannot be decoded', () => {
    expect(parse('/b/%ff').malformed).toBe(true);
    expect(parse('/b?a=%').malformed).toBe(true);
  });
});

describe('parseQuery', () => {
  it('reads a plus sign as a space', () => {
    expect(parseQuery('a=b+c%2B&&d=e=f')).toEqual([
      ['a', 'b c+'],
      ['d', 'e=f'],
    ]);
  });
});
