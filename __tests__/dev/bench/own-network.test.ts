import { execFile, spawnSync } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';

const run = promisify(execFile);
const canLimit = process.getuid?.() === 0 && spawnSync('unshare', ['--net', 'tc', '-Version']).status === 0;
const MODULE = join('dev', 'bench', 'own-network.ts');

/** Enters the network, and prints its loopback's queue before, during and after the limit. */
const SCRIPT = `
import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { enterOwnNetwork, limitLoopback } from ${JSON.stringify(join(process.cwd(), MODULE))};
if (await enterOwnNetwork()) {
  const queue = () => execFileSync('tc', ['qdisc', 'show', 'dev', 'lo'], { encoding: 'utf8' }).split(' ', 10).join(' ');
  const before = queue();
  const limit = await limitLoopback();
  const during = queue();
  await limit[Symbol.asyncDispose]();
  console.log(JSON.stringify({ network: readlinkSync('/proc/self/ns/net'), before, during, after: queue() }));
}`;

async function runScript(env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', SCRIPT], { env });
  return stdout;
}

(canLimit ? it : it.skip)('limits the loopback of a network namespace of its own', async () => {
  const { network, before, during, after } = JSON.parse(await runScript(process.env));
  expect(network).not.toBe(await readlink('/proc/self/ns/net'));
  expect(during).toContain('tbf');
  expect(during).toContain('2Gbit');
  expect([before, after]).toEqual([expect.stringContaining('noqueue'), expect.stringContaining('noqueue')]);
});

it('is left out, with a line that says so, if a tool is missing', async () => {
  expect(await runScript({ PATH: '' })).toMatch(/^2gbit is left out, which needs Linux, root.*ENOENT\n$/);
});
