import { S3Error } from '../s3-error.ts';

const LARGEST_PAGE = 1000;

/**
 * How many entries a page of a listing may have.
 *
 * @throws {S3Error} InvalidArgument when it isn't a whole number
 */
export function pageSize(query: Readonly<Record<string, string>>, parameter: string): number {
  const text = query[parameter];
  if (text === undefined || text === '') return LARGEST_PAGE;
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text), LARGEST_PAGE);
  const details = { ArgumentName: parameter, ArgumentValue: text };
  throw new S3Error('InvalidArgument', { message: `Provided ${parameter} not an integer`, details });
}
