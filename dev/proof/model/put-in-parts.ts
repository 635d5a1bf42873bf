import { isDeepStrictEqual } from 'node:util';
import { split } from '../../../src/asset-set/attributes.ts';
import { StoreError } from '../../../src/errors.ts';
import type { AssetPutInParts, WriteResult } from '../../../src/ports.ts';
import { digestsOf } from './contents.ts';
import { asking, headOf, type Line, refused, replacing } from './line.ts';

/** What was sent is not what was hashed. */
export class PartChangedError extends StoreError {
  override name = 'PartChangedError';
}

/** As `src/s3/in-parts.ts` does it, request by request. */
export async function putInParts(line: Line, put: AssetPutInParts): Promise<WriteResult> {
  const { key, attributes, condition, signal } = put;
  const { bucket, sender, watch } = line;
  watch.assetSent(sender, key);
  // Not cut short by the signal: the store could have opened an upload by then that nobody knows of.
  const begun = await asking(line, 'CREATE', key, { isWrite: true })(() =>
    bucket.createMultipart(key, attributes, sender),
  );
  const { id } = begun;
  begun.isUnknown = false;
  try {
    signal.throwIfAborted();
    await sendParts(line, put, id);
    await put.beforeComplete();
    watch.assetSent(sender, key, condition);
    const result = await asking(line, 'COMPLETE', key, { isWrite: true, signal })(() => complete(id));
    const settled = result ?? (await afterLostComplete(line, put));
    if (settled.outcome !== 'written') await discard(line, key, id);
    return settled;
  } catch (error) {
    await discard(line, key, id);
    throw error;
  }

  function complete(upload: string): WriteResult | undefined {
    if (!bucket.multiparts.has(upload)) return undefined;
    return replacing(line, { key, condition }, () => bucket.complete(upload, condition));
  }
}

async function sendParts(line: Line, put: AssetPutInParts, id: string): Promise<void> {
  const { key, read, signal, partDigests } = put;
  for (const { number, position, sizeBytes } of split(put.sizeBytes, put.partSizeBytes)) {
    const bytes = Buffer.from(await read(position, sizeBytes));
    await asking(line, 'PART', key, { isWrite: true, signal })(() => {
      const multipart = line.bucket.multiparts.get(id);
      if (multipart === undefined) throw refused(`There is no upload ${id} of ${key}`);
      if (digestsOf(bytes).sha256 !== partDigests[number - 1])
        throw new PartChangedError('rejected', `Part ${number} of ${key} is another`);
      multipart.parts.set(number, bytes);
    });
  }
}

/** No such upload: the reply of a Complete was lost, or another run has aborted it. The object tells which. */
async function afterLostComplete(line: Line, put: AssetPutInParts): Promise<WriteResult> {
  const { key, sizeBytes, attributes, trustsMetadata } = put;
  if (!trustsMetadata) return { outcome: 'precondition-failed' };
  const head = await asking(line, 'HEAD', key)(() => headOf(line.bucket.objects.get(key)));
  const isOurs = head?.sizeBytes === sizeBytes && isDeepStrictEqual(head.metadata, attributes.metadata);
  return head !== undefined && isOurs
    ? { outcome: 'written', etag: head.etag, guarded: true }
    : { outcome: 'precondition-failed' };
}

async function discard(line: Line, key: string, id: string): Promise<void> {
  await asking(line, 'ABORT', key, { isWrite: true })(() => line.bucket.multiparts.delete(id)).catch(() => {
    const multipart = line.bucket.multiparts.get(id);
    if (multipart !== undefined) multipart.isUnknown = true;
  });
}
