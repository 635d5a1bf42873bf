import { type AssetFile, type AssetRecord, parseFiles, parseJson, parseRecord } from './record.ts';
import { splitRecord } from './split-record.ts';

/**
 * As {@link parseRecord}, but the files go through memory some hundred at a time, and other work goes on in between.
 *
 * @param listBytes see {@link splitRecord}
 */
export async function parseLargeRecord(body: Uint8Array, where: string, listBytes?: number): Promise<AssetRecord> {
  const split = splitRecord(body, listBytes);
  const record = parseRecord(split?.rest ?? Buffer.from(body).toString('utf8'), where);
  if (split === undefined) return record;
  const files: AssetFile[] = [];
  for (const list of split.lists) {
    const items = parseJson(list(), where);
    // Between two commas there must be something.
    if (!Array.isArray(items) || (items.length === 0 && split.lists.length > 1)) return parseRecord('[,]', where);
    if (record.state === 'complete')
      for (const file of parseFiles(items, { where, firstIndex: files.length })) files.push(file);
    await new Promise<void>((resume) => setImmediate(resume));
  }
  return record.state === 'complete' ? { ...record, files } : record;
}
