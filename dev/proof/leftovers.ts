import { isMarker } from '../../src/asset-set/path.ts';
import type { SetName } from './judge.ts';
import type { TappedRequest } from './tap.ts';

/** The objects and parts of a set's assets that a run sent and the server accepted. */
export function sentTo(
  { prefix, folder, id }: SetName,
  requests: readonly TappedRequest[],
): { readonly files: number; readonly bytes: number } {
  const sent = requests.filter(
    ({ operation, target, status }) =>
      status === 200 &&
      (operation === 'PutObject' || operation === 'UploadPart') &&
      target.includes(`/${prefix}/${folder}/${id}/`),
  );
  const files = sent.filter(({ target }) => !target.includes('partNumber=') || target.includes('partNumber=1&'));
  return { files: files.length, bytes: sent.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0) };
}

const RESTORING = /(^|\/)\.restoring-[^/]+$/;
/** The temporary name of a marker before it gets its final name. */
const TEMPORARY = /\.[0-9a-f-]{36}\.tmp$/;

/** @returns the hidden files that are neither markers of the action nor temporary ones */
export function strangers(hidden: readonly string[]): string[] {
  return hidden.filter((path) => !RESTORING.test(path) && !isMarker(path.replace(TEMPORARY, '')));
}
