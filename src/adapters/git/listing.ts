// Everything here is bytes of git's output as text, one character for each (Latin-1).

/** What `git diff-files --name-status` says: how tracked files differ from the index. */
export interface Changes {
  readonly modified: readonly string[];
  readonly deleted: ReadonlySet<string>;
  /** A path that a merge left undecided, where there is one. */
  readonly conflicted: string | undefined;
}

/** @param output of `git diff-files -z --name-status --no-renames`: status and path by turns */
export function parseChanges(output: string): Changes {
  const modified: string[] = [];
  const deleted = new Set<string>();
  let conflicted: string | undefined;
  let status = '';
  for (const [index, record] of recordsOf(output).entries()) {
    if (index % 2 === 0) status = record;
    else if (status === 'D') deleted.add(record);
    else if (status === 'U') conflicted ??= record;
    // Where a nested repository came in the place of a file (a change of type), update-index takes the file away when
    // it is first told of the path, and adds the repository the next time.
    else modified.push(...(status === 'T' ? [record, record] : [record]));
  }
  return { modified, deleted, conflicted };
}

/** What is ended by NUL each. */
export function recordsOf(output: string): string[] {
  return output.split('\0').slice(0, -1);
}

/** The opposite of `recordsOf`. */
export function endedByNul(records: readonly string[]): string {
  return records.map((record) => `${record}\0`).join('');
}

/** The path of a record of `git ls-files -s`. */
export function pathOf(entry: string): string {
  return entry.slice(entry.indexOf('\t') + 1);
}
