import { S3Error } from './s3-error.ts';

/** From offset `start` up to, but not including, offset `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a `Range` header.
 *
 * @returns undefined if it isn't a single range of bytes: S3 then sends the whole object
 * @throws {S3Error} InvalidRange if it contains no byte of the object
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const start = first === '' ? Math.max(sizeBytes - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (start < end) return { start, end };
  throw new S3Error('InvalidRange', {
    details: { RangeRequested: header ?? '', ActualObjectSize: String(sizeBytes) },
    headers: { 'content-range': `bytes */${sizeBytes}` },
  });
}

/** @throws {S3Error} InvalidArgument if the range of a part copy isn't `bytes=first-last` within the source */
export function parseCopyRange(header: string, sizeBytes: number): ByteRange {
  const match = /^bytes=(\d+)-(\d+)$/.exec(header);
  const start = Number(match?.[1]);
  const end = Number(match?.[2]) + 1;
  if (start < end && end <= sizeBytes) return { start, end };
  const message = `Range specified is not valid for source object of size: ${sizeBytes}`;
  throw new S3Error('InvalidArgument', { message, details: { ArgumentValue: header } });
}
