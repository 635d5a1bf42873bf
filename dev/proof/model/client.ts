import { StoreError } from '../../../src/errors.ts';
import type { AssetAttributes, AssetCopy, ObjectStore } from '../../../src/ports.ts';
import { abortUploads, putInParts } from '../../../src/s3/in-parts.ts';
import type { Version } from './bucket.ts';
import { PART_BYTES } from './contents.ts';
import { BUCKET, ENDPOINT } from './hints.ts';
import { asking, headOf, type Line, replacing, resultOf } from './line.ts';
import { multipartOf } from './multipart.ts';

const SECOND_MS = 1000;
const NO_ATTRIBUTES: AssetAttributes = { metadata: {} };

/** One process's view of the store: it answers like the S3 adapter, with requests that the schedule moves. */
export function clientOf(line: Line, { signs }: { signs: boolean }): ObjectStore {
  const { bucket, watch, sender } = line;
  const multipart = multipartOf(line);
  return {
    bucket: BUCKET,
    endpoint: ENDPOINT,
    partSizeBytes: PART_BYTES,
    partChecksum: 'sha256',
    // The signatures themselves are not modelled.
    requiresSignatures: signs,
    readDocument: async (key) => {
      const version = await asking(
        line,
        'GET',
        key,
      )(() => {
        watch.recordSeen(sender, key);
        return dated(line, bucket.objects.get(key));
      });
      watch.recordRead(sender, key, version?.author);
      return version?.document;
    },
    writeDocument: async (key, body, condition) => {
      watch.recordSent(sender, key);
      const bytes = Buffer.alloc(body.length);
      body.copy(bytes);
      const write = { key, bytes, attributes: NO_ATTRIBUTES, condition, author: sender };
      let effects = 0;
      const written = await asking(line, 'PUT', key, { isWrite: true })(() => {
        const before = bucket.objects.get(key);
        const result = bucket.put({ ...write, isRepeated: effects > 0 });
        if (typeof result !== 'string') effects += 1;
        if (typeof result !== 'string') watch.recordWritten(sender, key, { before, after: result });
        return resultOf(result);
      });
      watch.recordAnswered(sender, key, written.outcome);
      return written;
    },
    readObject: () => Promise.reject(new Error('Sources are not modelled')),
    writeObject: () => Promise.reject(new Error('Sources are not modelled')),
    list: (prefix) => listPages(line, prefix),
    head: (key) => asking(line, 'HEAD', key)(() => headOf(bucket.objects.get(key))),
    putAsset: ({ key, body, attributes, condition, signal }) => {
      watch.assetSent(sender, key, condition);
      const write = { key, bytes: Buffer.from(body), attributes, condition, author: sender, keepsChecksum: true };
      return asking(line, 'PUT', key, { isWrite: true, signal })(() =>
        replacing(line, { key, condition }, () => bucket.put(write)),
      );
    },
    putAssetInParts: (put) => putInParts(multipart, put),
    copyAsset: (copy) => copyAsset(line, copy),
    readAsset: ({ key, etag, sizeBytes, range, signal }) =>
      asking(line, 'GET', key, { signal })(() => {
        const version = bucket.objects.get(key);
        if (version === undefined || version.etag !== etag || version.bytes.length !== sizeBytes)
          return { outcome: 'changed' };
        if (version.isArchived) throw archived(key);
        const bytes = version.bytes.subarray(range.position, range.position + range.lengthBytes);
        return { outcome: 'read', bytes: watch.received(key, version, bytes) };
      }),
    abortUploads: (prefix, beforeEach) => abortUploads(multipart, prefix, beforeEach),
  };
}

/** The document with the store's current time. */
function dated({ now }: Line, version: Version | undefined) {
  if (version === undefined) return undefined;
  const { bytes, etag, modifiedMs, author, isArchived } = version;
  if (isArchived) throw archived('a record');
  const document = { body: bytes, etag, lastModifiedMs: wholeSecond(modifiedMs), dateMs: wholeSecond(now()) };
  return { author, document };
}

function archived(what: string): StoreError {
  return new StoreError('archived', `Nothing can read ${what} in its archive`);
}

function wholeSecond(timeMs: number): number {
  return Math.floor(timeMs / SECOND_MS) * SECOND_MS;
}

async function* listPages(line: Line, prefix: string) {
  const { bucket } = line;
  let after = '';
  for (;;) {
    const page = await asking(
      line,
      'LIST',
      prefix,
    )(() => {
      const { keys, isTruncated } = bucket.page(prefix, after);
      const objects = keys.flatMap((key) => {
        const version = bucket.objects.get(key);
        if (version === undefined) return [];
        const tier = version.isArchived ? 'archive' : undefined;
        return [{ key, sizeBytes: version.bytes.length, etag: version.etag, tier } as const];
      });
      return { objects, isTruncated };
    });
    yield page.objects;
    const last = page.objects.at(-1);
    if (!page.isTruncated || last === undefined) return;
    after = last.key;
  }
}

function copyAsset(line: Line, { source, target, attributes, condition: asked, signal }: AssetCopy) {
  const { bucket, watch, sender } = line;
  const condition = bucket.checksCopies ? asked : undefined;
  watch.assetSent(sender, target, condition);
  return asking(line, 'COPY', target, { isWrite: true, signal })(() => {
    const before = bucket.objects.get(target);
    if (condition !== undefined && bucket.refusal(target, condition) !== undefined)
      return { outcome: 'precondition-failed' } as const;
    const copied = bucket.copy({ source, target, attributes, author: sender });
    if (copied === 'source-archived') throw archived(source.key);
    if (copied === 'source-changed') return { outcome: 'source-changed' } as const;
    watch.assetWritten(sender, target, { before, after: copied, condition });
    return { outcome: 'copied', etag: copied.etag } as const;
  });
}
