import { type SetLocation, setAt, uriOf } from './keys.ts';

/**
 * What `.found-at` says beside `.found`: which set a check was asked for, and which one it found, a line each. They differ
 * where the set was left in another place.
 */
export function foundAt(bucket: string, { asked, found }: Record<'asked' | 'found', SetLocation>): string {
  return `${uriOf(bucket, asked)}\n${uriOf(bucket, found)}\n`;
}

/**
 * @param text of the marker; undefined where there is none, as of the Python tool, whose `.found` counts for any set
 * @param asked the set that is wanted now
 * @returns the one that was found for it; undefined where another one was asked for
 */
export function foundFor(text: string | undefined, bucket: string, asked: SetLocation): SetLocation | undefined {
  if (text === undefined) return asked;
  const [askedUri, foundUri = ''] = text.split('\n');
  return askedUri === uriOf(bucket, asked) ? setAt(bucket, foundUri) : undefined;
}
