import { directoryEntries, exists, isDirectory } from './directory-entries.ts';
import { hasMagic, namePattern } from './name-pattern.ts';

/** Finds the paths of one part of a pattern within a folder; an empty path is the folder itself. */
type Finder = (folder: string) => readonly string[];

/**
 * What CPython's `glob.glob(f'{root}/{pattern}', recursive=True)` finds, in any order. `**` as a whole part crosses
 * folders, links included; wildcards skip names with a leading dot; a pattern with several `**` finds a path several
 * times.
 *
 * @param root taken literally, where Python would read a wildcard in it
 * @returns paths after the root and its slash, as Python's text
 */
export function glob(root: string, pattern: string): string[] {
  return expand(root, pattern, false);
}

// As in Python, `directoriesOnly` filters what a wildcard finds, and not a plain name: nothing will be found in a file.
function expand(root: string, pattern: string, directoriesOnly: boolean): string[] {
  const { parent, name } = splitLast(pattern);
  const folders = hasMagic(parent) ? expand(root, parent, true) : [parent];
  const find = finderOf(root, name, directoriesOnly);
  return folders.flatMap((folder) => find(folder).map((path) => join(folder, path)));
}

function finderOf(root: string, name: string, directoriesOnly: boolean): Finder {
  if (name === '**') return (folder) => ['', ...namesBelow(join(root, folder), directoriesOnly)];
  if (name === '') return (folder) => (isDirectory(join(root, folder)) ? [''] : []);
  if (!hasMagic(name)) return (folder) => (exists(join(join(root, folder), name)) ? [name] : []);
  const isMatch = namePattern(name);
  const isWanted = (found: string) => (isHidden(name) || !isHidden(found)) && isMatch(found);
  return (folder) => namesIn(join(root, folder), directoriesOnly).filter(isWanted);
}

function namesIn(path: string, directoriesOnly: boolean): string[] {
  const entries = directoryEntries(path);
  const wanted = directoriesOnly ? entries.filter((entry) => isDirectoryEntry(path, entry)) : entries;
  return wanted.map(({ name }) => name);
}

/** Every path below a folder that has no hidden part. */
function namesBelow(path: string, directoriesOnly: boolean): string[] {
  const found: string[] = [];
  const visit = (folder: string, prefix: string) => {
    for (const entry of directoryEntries(folder)) {
      if (isHidden(entry.name) || (directoriesOnly && !isDirectoryEntry(folder, entry))) continue;
      found.push(prefix + entry.name);
      if (entry.mayBeDirectory) visit(join(folder, entry.name), `${prefix}${entry.name}/`);
    }
  };
  visit(path, '');
  return found;
}

function isDirectoryEntry(
  folder: string,
  { name, mayBeDirectory }: { name: string; mayBeDirectory: boolean },
): boolean {
  return mayBeDirectory && isDirectory(join(folder, name));
}

function isHidden(name: string): boolean {
  return name.startsWith('.');
}

/** Python's `os.path.split`: the parent loses its trailing slashes. */
function splitLast(pattern: string): { readonly parent: string; readonly name: string } {
  const start = pattern.lastIndexOf('/') + 1;
  return { parent: pattern.slice(0, start).replace(/\/+$/, ''), name: pattern.slice(start) };
}

/** Python's `os.path.join`. Node's would resolve `..` by the text, which is wrong behind a link. */
function join(folder: string, path: string): string {
  return folder === '' || folder.endsWith('/') ? folder + path : `${folder}/${path}`;
}
