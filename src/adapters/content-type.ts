import { lookup } from 'mrmime';

/** The media type of a file by its extension. */
export function contentTypeOf(path: string): string {
  return lookup(path) ?? 'application/octet-stream';
}
