import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const CLI = fileURLToPath(new URL('../../../dev/local-s3/cli.ts', import.meta.url));

const DEV = fileURLToPath(new URL('../../../dev/', import.meta.url));

it.each(['local-s3/cli.ts', 'bench/run.ts', 'proof/run.ts', 'servers/run.ts'])('%s answers --help', (program) => {
  const { status, stdout } = spawnSync(process.execPath, [DEV + program, '--help'], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^npm run [a-z0-9:-]+ -- \[/) });
});

describe('the command line', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('prints its address and ends cleanly at %s', async (signal) => {
    const child = spawn(process.execPath, [CLI, '--port', '0', '--bucket', 'my-assets'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const [url] = await once(createInterface(child.stdout), 'line');
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const response = await fetch(`${url}/my-assets/a`);
    expect(await response.text()).toContain('<Code>AccessDenied</Code>');
    child.kill(signal);
    expect(await exited).toEqual([0, null]);
  });
});
