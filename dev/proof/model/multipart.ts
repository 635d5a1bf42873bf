import { StoreError } from '../../../src/errors.ts';
import type { MultipartRequests } from '../../../src/s3/in-parts.ts';
import { digestsOf } from './contents.ts';
import { asking, headOf, type Line, refused, replacing } from './line.ts';

/** The bytes that were sent are not the bytes that were hashed. */
export class PartChangedError extends StoreError {
  override name = 'PartChangedError';
}

/** The requests that `src/s3/in-parts.ts` sends, at moments that the schedule picks. */
export function multipartOf(line: Line): MultipartRequests {
  const { bucket, watch, sender } = line;
  /** Uploads that this process is working on: it may abort them even if it has lost the record. */
  const underWay = new Set<string>();
  return {
    settings: { endpointUrl: undefined },
    unknownConditions: new Set(),
    create: async ({ key, attributes, signal }) => {
      watch.assetSent(sender, key);
      const begun = await asking(line, 'CREATE', key, { isWrite: true })(() =>
        bucket.createMultipart(key, attributes, sender),
      );
      begun.isUnknown = false;
      underWay.add(begun.id);
      return { key, uploadId: begun.id, signal };
    },
    sendPart: ({ upload, part: { number }, source }) => {
      const { key, uploadId, signal } = upload;
      const bytes = Buffer.from(source.bytes);
      return asking(line, 'PART', key, { isWrite: true, signal })(() => {
        const multipart = bucket.multiparts.get(uploadId);
        if (multipart === undefined) throw noUpload(key, uploadId);
        if (digestsOf(bytes).sha256 !== source.checksum)
          throw new PartChangedError('rejected', `Part ${number} of ${key} is another`);
        multipart.parts.set(number, bytes);
        return { PartNumber: number };
      });
    },
    copyPart: () => {
      throw new Error('Nothing here is so large that it is copied in parts');
    },
    complete: ({ upload: { key, uploadId, signal }, condition }) => {
      watch.assetSent(sender, key, condition);
      return asking(line, 'COMPLETE', key, { isWrite: true, signal })(() => {
        if (!bucket.multiparts.has(uploadId)) throw noUpload(key, uploadId);
        // Without a condition, there must be no object yet.
        const asked = { key, condition: condition ?? ({ kind: 'absent' } as const) };
        const result = replacing(line, asked, () => bucket.complete(uploadId, condition));
        if (result.outcome === 'written') return result.etag;
        throw refused(result.outcome === 'missing' ? 'NoSuchKey' : 'PreconditionFailed', `${key} is another by now`);
      });
    },
    abort: async ({ key, uploadId }) => {
      const isOwn = underWay.delete(uploadId);
      if (!isOwn) watch.abortSent(sender, key);
      try {
        return await asking(line, 'ABORT', key, { isWrite: true })(() => {
          const multipart = bucket.multiparts.get(uploadId);
          if (multipart === undefined) throw noUpload(key, uploadId);
          if (!isOwn) watch.aborted(sender, multipart);
          bucket.multiparts.delete(uploadId);
        });
      } catch (error) {
        const multipart = bucket.multiparts.get(uploadId);
        if (isOwn && multipart !== undefined) multipart.isUnknown = true;
        throw error;
      }
    },
    list: async (prefix) => {
      watch.abortSent(sender, prefix);
      const open = await asking(
        line,
        'LIST-UPLOADS',
        prefix,
      )(() => [...bucket.multiparts.values()].filter(({ key }) => key.startsWith(prefix)));
      return { uploads: open.map(({ id, key }) => ({ key, uploadId: id })), isTruncated: false };
    },
    head: (key) => asking(line, 'HEAD', key)(() => headOf(bucket.objects.get(key))),
  };
}

function noUpload(key: string, uploadId: string): StoreError {
  return refused('NoSuchUpload', `There is no upload ${uploadId} of ${key}`);
}
