const MAX_KEY_BYTES = 1024;

/** The files beside the assets by which steps tell each other what they found. */
export const MARKERS = ['.found', '.found-at', '.commit-hash', '.code-hash', '.record.json'] as const;
export type Marker = (typeof MARKERS)[number];

const MARKER_NAMES: ReadonlySet<string> = new Set(MARKERS);

/** What HFS+ overlooks in names: `next_hfs_char` of https://github.com/git/git/blob/master/utf8.c */
export const IGNORED_BY_HFS = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** Git's folder as file systems let it be called: in any case, by its short name, with trailing points or a stream. */
const IN_GIT_FOLDER = /(^|\/)(\.git|git~1)[. ]*(:|\/|$)/i;

/** Markers are how steps talk to each other; they are never assets. */
export function isMarker(path: string): boolean {
  return MARKER_NAMES.has(path);
}

/** What a marker, or any other small file, is written under before it gets its name. */
export function temporaryName(name: string, uuid: string): string {
  return `${name}.${uuid}.tmp`;
}

const UUID = '[0-9a-f-]{36}';
const RESTORING = new RegExp(`(^|/)\\.restoring-${UUID}$`);
const UNFINISHED_MARKER = new RegExp(`^(.+)\\.${UUID}\\.tmp$`);

/** What a run that was killed left behind is no asset either: a file it restored, or a marker it wrote. */
export function isTemporary(path: string): boolean {
  return RESTORING.test(path) || isMarker(UNFINISHED_MARKER.exec(path)?.[1] ?? '');
}

/** A path is hidden when its file or any folder above it starts with a dot. */
export function isHidden(path: string): boolean {
  return path.split('/').some((segment) => segment.startsWith('.'));
}

/** Whether a name has bytes that are no text: Node puts something else in their place, under which nothing is there. */
export function isNoText(path: string): boolean {
  return !path.isWellFormed() || path.includes('\u{fffd}');
}

/**
 * Why a path can't be an asset's on any system: it would not survive the round trip through a key, or a restore would
 * refuse it. Upload, promotion and restore all ask this.
 *
 * @param path relative to the package directory, with `/`; comes from a disk, a listing or a record
 * @param keyPrefixes what comes before the path in each key that the asset will have
 * @returns the reason, or undefined when the path is fine
 */
export function pathProblem(path: string, keyPrefixes: readonly string[]): string | undefined {
  const segments = path.split('/');
  if (path === '') return 'it is empty';
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    return "it has an empty, '.' or '..' segment";
  if (path.includes('\\')) return 'it has a backslash, which is a separator on Windows';
  if (/\p{Cc}/u.test(path)) return 'it has a control character';
  if (isNoText(path)) return 'it is not valid UTF-8';
  if (isMarker(segments[0] ?? '')) return 'it is a marker file of this action';
  if (IN_GIT_FOLDER.test(path.replace(IGNORED_BY_HFS, ''))) return "it leads into git's own files";
  const tooLong = keyPrefixes.find((prefix) => Buffer.byteLength(prefix + path) > MAX_KEY_BYTES);
  if (tooLong === undefined) return undefined;
  return `its key under ${tooLong} would have ${Buffer.byteLength(tooLong + path)} bytes, and S3 takes ${MAX_KEY_BYTES}`;
}
