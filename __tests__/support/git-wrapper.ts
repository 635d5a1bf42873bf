import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** A `git` that comes before the real one on the PATH, and records the commands. */
export class GitWrapper {
  readonly #directory: string;

  /** @param directory an empty one */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @param variables to set for the real git */
  async install(variables: Readonly<Record<string, string>> = {}): Promise<void> {
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    const settings = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'\n`);
    const note = `echo "$GIT_INDEX_FILE|$*" >> '${this.#log}'`;
    await writeFile(join(this.#directory, 'git'), `#!/bin/sh\n${settings.join('')}${note}\nexec '${real}' "$@"\n`, {
      mode: 0o755,
    });
    process.env.PATH = `${this.#directory}${delimiter}${process.env.PATH}`;
  }

  /** The name of every command run, sorted. */
  async commands(): Promise<string[]> {
    const all = (await this.#runs()).map(({ args }) => args.replace(/^(-c \S+ |--\S+ )*/, '').split(' ')[0] ?? '');
    return all.sort();
  }

  /** Every index that git was given instead of the repository's own. */
  async indexFiles(): Promise<string[]> {
    return [...new Set((await this.#runs()).map(({ index }) => index))].filter((index) => index !== '');
  }

  async #runs(): Promise<{ readonly index: string; readonly args: string }[]> {
    const lines = (await readFile(this.#log, 'utf8')).trim().split('\n');
    return lines.map((line) => ({ index: line.slice(0, line.indexOf('|')), args: line.slice(line.indexOf('|') + 1) }));
  }

  get #log(): string {
    return join(this.#directory, 'log');
  }
}
