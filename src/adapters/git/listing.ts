import type { SourceEntry } from '../../core/code-hash.ts';

// Everything here is bytes of git's output as text, one character for each (Latin-1).

/** What `git ls-files -t -s -o` says. */
export interface Listing {
  readonly entries: readonly SourceEntry[];
  /** Paths; a nested repository has a trailing slash. */
  readonly untracked: readonly string[];
  /** A path that a merge left undecided, where there is one. */
  readonly conflicted: string | undefined;
}

/** What `git diff-files --name-status` says: how tracked files differ from the index. */
export interface Changes {
  readonly modified: readonly string[];
  readonly deleted: ReadonlySet<string>;
}

/** @param output of `git ls-files -z -t -s [-o]`: `<tag> SP` before every record, a path alone after the tag `?` */
export function parseListing(output: string): Listing {
  const entries: SourceEntry[] = [];
  const untracked: string[] = [];
  let conflicted: string | undefined;
  for (const record of recordsOf(output)) {
    const rest = record.slice(2);
    if (record.startsWith('?')) untracked.push(rest);
    else if (record.startsWith('M')) conflicted ??= rest.slice(rest.indexOf('\t') + 1);
    else entries.push(rest);
  }
  return { entries, untracked, conflicted };
}

/** @param output of `git diff-files -z --name-status --no-renames`: status and path by turns */
export function parseChanges(output: string): Changes {
  const modified: string[] = [];
  const deleted = new Set<string>();
  let status = '';
  for (const [index, record] of recordsOf(output).entries()) {
    if (index % 2 === 0) status = record;
    else if (status === 'D') deleted.add(record);
    // Where a nested repository came in the place of a file (a change of type), update-index takes the file away when
    // it is first told of the path, and adds the repository the next time.
    else modified.push(...(status === 'T' ? [record, record] : [record]));
  }
  return { modified, deleted };
}

function recordsOf(output: string): string[] {
  return output.split('\0').slice(0, -1);
}
