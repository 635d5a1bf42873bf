import { readFileSync } from 'node:fs';
import { printable } from '../core/printable.ts';
import { systemCode } from '../errors.ts';

// `@actions/github` reads the event's file when it is imported: one that is no JSON would end the run in a stack trace.
// So this module is imported before it, and takes the variable away where the file can't be used.

/** What is wrong with the file that GITHUB_EVENT_PATH names; undefined where nothing is, or there is no such file. */
export const eventFault: string | undefined = inspect(process.env.GITHUB_EVENT_PATH ?? '');

function inspect(path: string): string | undefined {
  if (path === '') return undefined;
  try {
    JSON.parse(readFileSync(path, 'utf8'));
    return undefined;
  } catch (error) {
    delete process.env.GITHUB_EVENT_PATH;
    const code = systemCode(error);
    if (code === 'ENOENT') return undefined;
    const why = error instanceof SyntaxError ? 'is no JSON' : `can't be read (${code})`;
    return `GITHUB_EVENT_PATH is '${printable(path)}', which ${why}: leave the variable to the runner, or unset it`;
  }
}
