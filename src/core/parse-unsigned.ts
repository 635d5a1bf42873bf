import { type AssetRecord, parseRecord } from './record.ts';

/** No record of an unfinished set has as much; of any other nothing is of interest but that it does not count. */
const MOST_BYTES = 64 * 1024;

/** In place of what is no record, or one of a set that says it is whole. */
const UNKNOWN: AssetRecord = {
  state: 'complete',
  commit: '',
  origin: { kind: 'upload' },
  writer: { nonce: 'unknown', sequence: 0 },
  leaseSeconds: 0,
  files: [],
  totalSize: 0,
};

/**
 * Reads a record that does not count, since anybody may have written it: for who is at work on its set. Whatever it is
 * takes no memory to speak of, and fails no job.
 */
export function parseUnsigned(body: Buffer, where: string): AssetRecord {
  if (body.length > MOST_BYTES) return UNKNOWN;
  try {
    return parseRecord(body.toString('utf8'), where);
  } catch {
    return UNKNOWN;
  }
}
