import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Content, type FaultAction, type LocalS3, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import { BUCKET, faultOf, keysIn, storeAt } from './stores.ts';

let server: LocalS3;
beforeAll(async () => {
  server = await startLocalS3({ buckets: [BUCKET] });
});
beforeEach(() => {
  server.fault = undefined;
  for (const key of server.keys(BUCKET)) server.delete(BUCKET, key);
  server.clearRequests();
});
afterAll(() => server.close());

const ODD_NAMES = [
  'two words',
  ' leading and trailing ',
  'plus+sign',
  '100%',
  '%41',
  'a&b<c>"d"\'e\'',
  'line\nend',
  'carriage\rreturn',
  'tab\there',
  'ä€😀',
  'e\u0301',
  '!()*~.-_',
  '?query#hash',
  'back\\slash',
  'semi;colon=equals@at,comma:$[]{}|^`',
  '123',
  'true',
  '1e3',
  '&amp;',
  'deep/er/name',
  'trailing/',
];

describe('a long listing', () => {
  it('is read page by page to the end, with keys of every kind', async () => {
    const keys = [...ODD_NAMES, ...Array.from({ length: 2500 }, (_, index) => `ä +%&\n ${index}`)].map(
      (name) => `p/${name}`,
    );
    for (const key of keys) server.put(BUCKET, key, key);
    server.put(BUCKET, 'p', 'not this');
    server.put(BUCKET, 'p0', 'nor this');
    const pages: number[] = [];
    const found: string[] = [];
    for await (const page of storeAt(server).list('p/')) {
      pages.push(page.length);
      for (const { key, sizeBytes } of page) {
        expect(sizeBytes).toBe(Buffer.byteLength(key));
        found.push(key);
      }
    }
    expect(pages).toEqual([1000, 1000, keys.length - 2000]);
    expect(found).toEqual(server.keys(BUCKET, 'p/'));
    expect(new Set(found)).toEqual(new Set(keys));
  });

  it('is read only as far as the caller iterates', async () => {
    for (let index = 0; index < 1500; index += 1) server.put(BUCKET, `p/${index}`, '');
    for await (const page of storeAt(server).list('p/')) {
      expect(page).toHaveLength(1000);
      break;
    }
    expect(server.requests).toHaveLength(1);
  });

  it('with special characters in its prefix contains exactly that prefix', async () => {
    for (const key of ['a +%&\n=ä/1', 'a +%&\n=ä/2', 'a  %&\n=ä/3']) server.put(BUCKET, key, '');
    expect(await keysIn(storeAt(server), 'a +%&\n=ä/')).toEqual(['a +%&\n=ä/1', 'a +%&\n=ä/2']);
  });
});

it('a listing without KeyCount is read', async () => {
  for (const key of ['p/a', 'p/b']) server.put(BUCKET, key, '');
  server.fault = () => ({
    kind: 'rewrite',
    rewrite: (reply) => ({
      ...reply,
      body: Content.from(reply.body.text().replace('<KeyCount>2</KeyCount>', '')),
      headers: {},
    }),
  });
  expect(await keysIn(storeAt(server), 'p/')).toEqual(['p/a', 'p/b']);
});

it('a listing from a server that ignores encoding-type is not decoded', async () => {
  // Keys that survive in XML: no carriage return, and no white space around them, which parsers strip.
  const names = ODD_NAMES.filter((name) => !name.includes('\r'));
  for (const name of names) server.put(BUCKET, `p/${name}/end`, '');
  server.fault = () => ({ kind: 'ignore', query: ['encoding-type'] });
  expect(await keysIn(storeAt(server), 'p/')).toEqual(server.keys(BUCKET));
});

describe('an incomplete listing', () => {
  const page = (body: string): FaultAction => ({
    kind: 'reply',
    status: 200,
    body: `<?xml version="1.0"?><ListBucketResult>${body}</ListBucketResult>`,
  });
  const entry = '<Contents><Key>p/a</Key><ETag>"e"</ETag><Size>1</Size></Contents>';
  const end = '<IsTruncated>false</IsTruncated>';

  it.each<[what: string, body: string, missing: string]>([
    ['no end', `<KeyCount>1</KeyCount>${entry}`, 'IsTruncated'],
    ['fewer objects than it counts', `${end}<KeyCount>2</KeyCount>${entry}`, 'the 2 objects it counts'],
    [
      'more to come, but no way to it',
      `<IsTruncated>true</IsTruncated><KeyCount>1</KeyCount>${entry}`,
      'NextContinuationToken',
    ],
    ['no key', `${end}<KeyCount>1</KeyCount><Contents><ETag>"e"</ETag><Size>1</Size></Contents>`, 'a Key'],
    ['no ETag', `${end}<KeyCount>1</KeyCount><Contents><Key>a</Key><Size>1</Size></Contents>`, 'an ETag'],
    ['no size', `${end}<KeyCount>1</KeyCount><Contents><Key>a</Key><ETag>"e"</ETag></Contents>`, 'a Size'],
    ['no number for a size', `${end}<KeyCount>1</KeyCount>${entry.replace('>1<', '>1.5<')}`, 'a Size'],
    [
      'a key that can not be decoded',
      `${end}<KeyCount>1</KeyCount><EncodingType>url</EncodingType>${entry.replace('p/a', '%E4')}`,
      'a Key that can be decoded',
    ],
  ])('is an error: %s', async (_, body, missing) => {
    server.fault = () => page(body);
    const fault = await faultOf(keysIn(storeAt(server), 'p/'));
    expect(fault.kind).toBe('malformed-reply');
    expect(fault.message).toContain(
      `Could not list s3://bucket/p/: ${new URL(server.url).host} answered without ${missing}`,
    );
  });

  it.each<[what: string, tokens: readonly string[], requests: number]>([
    ['the same page', ['a'], 2],
    ['two pages in turn', ['a', 'b'], 3],
    ['three pages in turn', ['a', 'b', 'c'], 4],
  ])('is an error: %s again and again', async (_, tokens, requests) => {
    let index = 0;
    server.fault = () => {
      const token = tokens[index % tokens.length];
      index += 1;
      const entries = entry.replace('p/a', `p/${index}`);
      const more = `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`;
      return page(`${more}<KeyCount>1</KeyCount>${entries}`);
    };
    const { kind, message } = await faultOf(keysIn(storeAt(server), 'p/'));
    expect(kind).toBe('malformed-reply');
    expect(message).toContain('gave a continuation token twice, so its listing would never end: check endpoint-url');
    expect(server.requests).toHaveLength(requests);
  });

  it('is an error: empty pages, each with a new token', async () => {
    server.fault = ({ sequence }) =>
      page(
        `<IsTruncated>true</IsTruncated><NextContinuationToken>${sequence}</NextContinuationToken><KeyCount>0</KeyCount>`,
      );
    const { kind, message } = await faultOf(keysIn(storeAt(server)));
    expect(kind).toBe('malformed-reply');
    expect(message).toContain('gave 100 pages without an object, so its listing would never end');
    expect(server.requests).toHaveLength(101);
  });

  it('is an error: the same object, each time with a new token', async () => {
    server.fault = ({ sequence }) => {
      const more = `<IsTruncated>true</IsTruncated><NextContinuationToken>${sequence}</NextContinuationToken>`;
      return page(`${more}<KeyCount>1</KeyCount>${entry}`);
    };
    expect((await faultOf(keysIn(storeAt(server)))).message).toContain("listed 'p/a' twice");
    expect(server.requests).toHaveLength(2);
  });

  it('is an error: a page in the middle that fails', async () => {
    for (let index = 0; index < 1500; index += 1) server.put(BUCKET, `p/${index}`, '');
    server.fault = ({ query }) =>
      'continuation-token' in query ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined;
    expect((await faultOf(keysIn(storeAt(server)))).kind).toBe('access-denied');
  });
});
