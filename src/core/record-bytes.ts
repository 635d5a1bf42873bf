import type { Bytes, ScratchFile } from '../ports.ts';
import { type AssetRecord, recordPieces } from './record.ts';

/** The record as stored, see {@link recordPieces}; that of a set too large for memory in a file. */
export async function recordBytes(record: AssetRecord, scratch: () => Promise<ScratchFile>): Promise<Bytes> {
  const pieces = recordPieces(record);
  if (record.state !== 'complete' || Array.isArray(record.files)) return Buffer.from([...pieces].join(''));
  const file = await scratch();
  for (const piece of pieces) file.append(Buffer.from(piece));
  return file;
}
