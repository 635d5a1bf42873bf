import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { installServer } from '../../../dev/servers/install-server.ts';
import type { InstallCommand, ServerDefinition } from '../../../dev/servers/server-definition.ts';

const cancelled = new AbortController().signal;
let installDirectory: string;
beforeEach(async () => {
  jest.spyOn(console, 'log').mockImplementation(() => {});
  installDirectory = await mkdtemp(join(tmpdir(), 'install-server-test-'));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(installDirectory, { recursive: true, force: true });
});

/** A server whose program is a file that the shell writes. */
function server(change: Partial<InstallCommand> = {}): ServerDefinition {
  return {
    id: 'fake',
    name: 'Fake',
    version: '1',
    program: 'bin',
    install: (directory) => ({
      program: 'sh',
      args: ['-c', ': > "$1"', 'sh', join(directory, 'bin')],
      ...change,
    }),
    launch: () => ({ args: [] }),
  };
}

const onPosix = process.platform === 'win32' ? describe.skip : describe;

onPosix('a server', () => {
  it('is installed in a directory of its version', async () => {
    expect(await installServer(server(), { installDirectory, cancelled })).toBe(
      join(installDirectory, 'fake-1', 'bin'),
    );
    expect(await readdir(installDirectory)).toEqual(['fake-1']);
  });

  it('is not installed again', async () => {
    await installServer(server(), { installDirectory, cancelled });
    const failing = server({ args: ['-c', 'exit 3'] });
    expect(await installServer(failing, { installDirectory, cancelled })).toBe(join(installDirectory, 'fake-1', 'bin'));
  });

  it("leaves nothing behind if it can't be installed", async () => {
    const failing = server({ args: ['-c', 'exit 3'] });
    await expect(installServer(failing, { installDirectory, cancelled })).rejects.toThrow('ended with 3');
    expect(await readdir(installDirectory)).toEqual([]);
  });

  it('is not installed if its tool is missing; the error names the tool', async () => {
    const toolless = server({ program: 'go', env: { PATH: installDirectory } });
    await expect(installServer(toolless, { installDirectory, cancelled })).rejects.toThrow(
      'Fake is installed with go, which is not on the PATH: install it (https://go.dev/dl)',
    );
  });
});
