import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StoreError } from '../../src/errors.ts';
import type { ListedObject } from '../../src/ports.ts';
import { Bucket } from '../../src/s3/bucket.ts';
import { connect } from '../../src/s3/object-store.ts';
import { list } from '../../src/s3/read.ts';
import type { Reply } from '../../src/s3/reply.ts';
import { edited, edits, isPrintableLine, itHoldsAsync, troublesomeText } from './fuzzing.ts';

const CONNECTION = connect({
  bucket: 'bucket',
  region: 'us-east-1',
  endpointUrl: 'http://127.0.0.1:9',
  forcePathStyle: true,
  credentials: { accessKeyId: 'test', secretAccessKey: 'testsecret1', sessionToken: undefined },
  role: undefined,
  expectedBucketOwner: undefined,
  maxAttempts: 1,
  partSizeBytes: 5 * 1024 ** 2,
  storageClass: undefined,
  serverSideEncryption: undefined,
  sseKmsKeyId: undefined,
  acl: undefined,
  tagging: undefined,
});

/** A bucket with a listing that the test provides, page by page. */
class CannedBucket extends Bucket {
  readonly #pages: readonly string[];
  #asked = 0;

  constructor(pages: readonly string[]) {
    super(CONNECTION);
    this.#pages = pages;
  }

  override async send<Value>(_operation: unknown, _request: unknown, read: (reply: Reply) => Value): Promise<Value> {
    const page = this.#pages[Math.min(this.#asked, this.#pages.length - 1)] ?? '';
    this.#asked += 1;
    if (this.#asked > this.#pages.length + 1) throw new Error('The listing goes on for ever');
    return read({ status: 200, headers: {}, body: Buffer.from(page) });
  }
}

/** @returns the error, if the reply is not accepted */
async function listed(pages: readonly string[]): Promise<ListedObject[] | StoreError> {
  const objects: ListedObject[] = [];
  try {
    for await (const page of list(new CannedBucket(pages), 'artifacts/x/')) objects.push(...page);
    return objects;
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
}

interface Page {
  readonly entries: readonly (readonly string[])[];
  readonly encoding: string;
  readonly count: string;
  readonly truncated: string;
  readonly token: string;
}

function documentOf({ entries, encoding, count, truncated, token }: Page): string {
  const contents = entries.map(
    ([key, size, etag]) => `<Contents><Key>${key}</Key><Size>${size}</Size><ETag>${etag}</ETag></Contents>`,
  );
  const next = token === '' ? '' : `<NextContinuationToken>${token}</NextContinuationToken>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name>${encoding}<KeyCount>${count}</KeyCount><IsTruncated>${truncated}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`;
}

const SIZES = ['0', '3', '007', '-5', '', ' ', '1e3', '0x10', '1.5', '9007199254740992', 'NaN', '1 2'];
const XML = ['<', '>', '</', '/>', '<!--', '-->', '<![CDATA[', ']]>', '<?', '&', '&#0;', '&#xD800;', '<Contents>'];
const TAGS = ['Key', 'Size', 'Contents', 'ListBucketResult', 'IsTruncated', 'KeyCount', '__proto__', 'toString'];
const PIECES = [...XML, ...TAGS.flatMap((tag) => [`<${tag}>`, `</${tag}>`, `<${tag}/>`, `<${tag} a="b">`])];

const page = fc.record({
  entries: fc.array(fc.tuple(troublesomeText(XML), fc.constantFrom(...SIZES), troublesomeText(['&quot;'])), {
    maxLength: 3,
  }),
  encoding: fc.constantFrom('', '<EncodingType>url</EncodingType>', '<EncodingType>base64</EncodingType>'),
  count: fc.constantFrom('0', '1', '2', '3', '-1', '', 'one'),
  truncated: fc.constantFrom('true', 'false', '', 'TRUE'),
  token: fc.constantFrom('', 't1', 't2'),
});
const document = fc.oneof(
  { weight: 2, arbitrary: page.map(documentOf) },
  { weight: 4, arbitrary: fc.tuple(page, edits(PIECES)).map(([made, places]) => edited(documentOf(made), places)) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...PIECES, 'a', ' '), { maxLength: 8 }).map((all) => all.join('')) },
);

const honest = fc.record({
  keys: fc.uniqueArray(
    troublesomeText().filter((key) => key.isWellFormed() && key.trim() !== ''),
    { maxLength: 4 },
  ),
  sizes: fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
  cut: fc.nat({ max: 4 }),
});

describe('reading listings', () => {
  itHoldsAsync(
    'gives objects, or one line that refuses the reply',
    fc.array(document, { minLength: 1, maxLength: 2 }),
    async (pages) => {
      const result = await listed(pages);
      if (result instanceof StoreError) {
        if (result.kind !== 'malformed-reply' || !isPrintableLine(result.message)) throw result;
        return;
      }
      for (const { key, sizeBytes, etag } of result)
        if (typeof key !== 'string' || typeof etag !== 'string' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0)
          throw new Error(`No object: ${JSON.stringify({ key, sizeBytes, etag })}`);
      if ('polluted' in {}) throw new Error('The prototype of every object was changed');
    },
  );

  itHoldsAsync('gives every object of an honest reply as it is', honest, async ({ keys, sizes, cut }) => {
    const objects = keys.map((key, index) => ({ key, sizeBytes: sizes[index] ?? 0, etag: `"${index}"` }));
    const pages = [objects.slice(0, cut), objects.slice(cut)].map((part, index) =>
      documentOf({
        entries: part.map(({ key, sizeBytes, etag }) => [
          encodeURIComponent(key),
          String(sizeBytes),
          etag.replaceAll('"', '&quot;'),
        ]),
        encoding: '<EncodingType>url</EncodingType>',
        count: String(part.length),
        truncated: String(index === 0),
        token: index === 0 ? 'next' : '',
      }),
    );
    const result = await listed(pages);
    if (JSON.stringify(result) !== JSON.stringify(objects)) throw new Error(JSON.stringify(result));
  });

  it.each([
    ['elements within each other', '<a>'.repeat(500_000)],
    ['brackets', '<'.repeat(1_000_000)],
    ['entities', `<ListBucketResult>${'&amp;'.repeat(500_000)}</ListBucketResult>`],
    ['attributes', `<ListBucketResult ${'a="b" '.repeat(200_000)}>`],
  ])('refuses masses of %s in a moment', async (_, body) => {
    expect(await listed([body])).toMatchObject({ kind: 'malformed-reply' });
  });
});
