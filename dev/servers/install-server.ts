import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runToEnd } from './process-group.ts';
import type { InstallCommand, ServerDefinition } from './server-definition.ts';

const WHERE_TO_GET = new Map([
  ['go', 'https://go.dev/dl'],
  ['python3', 'https://www.python.org/downloads'],
]);

/**
 * Installs a server, unless this version is already installed.
 *
 * @param installDirectory holds a directory for each version of each server
 * @returns the path of its program
 * @throws Error if it can't be installed, with the name of a missing tool
 */
export async function installServer(
  server: ServerDefinition,
  { installDirectory, cancelled }: { installDirectory: string; cancelled: AbortSignal },
): Promise<string> {
  const directory = join(installDirectory, `${server.id}-${server.version}`);
  const program = join(directory, server.program);
  if (await exists(program)) return program;
  console.log(`Installing ${server.name} ${server.version} in ${directory}.`);
  await mkdir(installDirectory, { recursive: true });
  const unfinished = await mkdtemp(join(installDirectory, 'unfinished-'));
  try {
    await perform(server.install(unfinished), { name: server.name, cancelled });
    await rm(directory, { recursive: true, force: true });
    await rename(unfinished, directory);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return program;
}

async function perform(
  { program, args, env = {} }: InstallCommand,
  { name, cancelled }: { name: string; cancelled: AbortSignal },
): Promise<void> {
  const end = await runToEnd(program, args, { env, cancelled, stdio: ['ignore', 'inherit', 'inherit'] }).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') throw cause;
      const remedy = `install it (${WHERE_TO_GET.get(program)}), or leave ${name} out with --only`;
      throw new Error(`${name} is installed with ${program}, which is not on the PATH: ${remedy}`, { cause });
    },
  );
  if (end !== 0) throw new Error(`${name} could not be installed: '${[program, ...args].join(' ')}' ended with ${end}`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
