import type { Bytes } from '../ports.ts';
import { listText, PackedList } from './packed-list.ts';
import { comparePaths } from './path-order.ts';
import { type AssetFile, type AssetRecord, parseFiles, parseJson, parseRecord } from './record.ts';
import { unreadable } from './record-fields.ts';
import { splitRecord } from './split-record.ts';

/** No file of a record needs as much, and a piece ends with the first that goes past its length. */
const MOST_PIECE_BYTES = 1024 ** 2;

/**
 * As {@link parseRecord}, but of the files no more than some hundred are in memory, then and later, and other work goes
 * on in between.
 *
 * @param body stays as it is for as long as the record is used
 * @param pieceBytes see {@link splitRecord}
 */
export async function parseLargeRecord(body: Bytes, where: string, pieceBytes?: number): Promise<AssetRecord> {
  const split = splitRecord(body, pieceBytes);
  const record = parseRecord(split?.rest ?? body.toString('utf8'), where);
  if (split === undefined) return record;
  const { pieces } = split;
  let [length, last, isInOrder] = [0, '', true];
  for (const piece of pieces) {
    if (piece.end - piece.start > MOST_PIECE_BYTES)
      throw unreadable(where, `files[${length}] or one after it is too long`);
    const items = parseJson(listText(body, piece), where);
    // Between two commas there must be something.
    if (!Array.isArray(items) || (items.length === 0 && pieces.length > 1)) return parseRecord('[,]', where);
    if (record.state === 'complete')
      for (const { path } of parseFiles(items, { where, firstIndex: length })) {
        isInOrder &&= comparePaths(last, path) <= 0;
        last = path;
        length += 1;
      }
    await new Promise<void>((resume) => setImmediate(resume));
  }
  if (record.state !== 'complete') return record;
  const files = new PackedList<AssetFile>({ bytes: body, pieces, length }, (json) =>
    parseFiles(JSON.parse(json), { where, firstIndex: 0 }),
  );
  // Nobody but the format's own writers keeps to the order.
  return { ...record, files: isInOrder ? files : [...files] };
}
