import { S3Error } from '../s3-error.ts';

/**
 * The maximum number of entries on a page of a listing.
 *
 * @throws {S3Error} InvalidArgument if it isn't a whole number
 */
export function pageSize(query: Readonly<Record<string, string>>, parameter: string, largest = 1000): number {
  const text = query[parameter];
  if (text === undefined || text === '') return largest;
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text), largest);
  const details = { ArgumentName: parameter, ArgumentValue: text };
  throw new S3Error('InvalidArgument', { message: `Provided ${parameter} not an integer`, details });
}
