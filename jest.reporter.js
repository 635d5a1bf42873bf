// Gives the tests a directory of their own for temporary files, and fails the run if they leave anything in it. What
// Node compiles for the processes that tests start is kept, as jest keeps what it has transformed.
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export default class Leftovers {
  #directory;
  #error;

  // Workers inherit the environment, since they start after this.
  onRunStart() {
    this.#directory = mkdtempSync(join(tmpdir(), 'tests-'));
    // Tests that the superuser runs look into it as somebody else.
    chmodSync(this.#directory, 0o755);
    for (const name of ['TMPDIR', 'TEMP', 'TMP']) process.env[name] = this.#directory;
    process.env.NODE_COMPILE_CACHE ??= resolve('node_modules/.cache/compile');
  }

  onRunComplete() {
    const left = readdirSync(this.#directory);
    rmSync(this.#directory, { recursive: true, force: true });
    if (left.length === 0) return;
    this.#error = new Error(`the tests left temporary files: ${left.join(', ')}`);
    console.error(`\n${this.#error.message}`);
  }

  getLastError() {
    return this.#error;
  }
}
