import { type AssetRecord, recordPieces } from './record.ts';

/** The record as stored, see {@link recordPieces}. */
export function recordBytes(record: AssetRecord): Uint8Array {
  let lengthBytes = 0;
  for (const piece of recordPieces(record)) lengthBytes += Buffer.byteLength(piece);
  const bytes = Buffer.allocUnsafe(lengthBytes);
  let position = 0;
  for (const piece of recordPieces(record)) position += bytes.write(piece, position);
  return bytes;
}
