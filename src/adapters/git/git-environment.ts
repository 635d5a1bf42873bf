import { join, resolve, sep } from 'node:path';

// Where git's own programs and the user's configuration lie. Everything else that git reads from the environment
// could send it to another repository, index or object store, change what a pattern means, or add configuration.
const KEPT: ReadonlySet<string> = new Set([
  'GIT_EXEC_PATH',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
]);

// What redirects git, and what holds secrets: inputs, AWS credentials and the ways to them, and the runner's tokens.
const REMOVED = /^(GIT|INPUT|AWS|ACTIONS)_/i;

/** The environment without variables that would redirect git, and without secrets, which filters that git starts don't need. */
export function scrubbed(inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isKept = (name: string) => !REMOVED.test(name) || KEPT.has(name.toUpperCase());
  return Object.fromEntries(Object.entries(inherited).filter(([name]) => isKept(name)));
}

/**
 * Variables that fix the repository to the one at `root`. Naming it, rather than letting git search for it, also
 * keeps git from refusing a repository of another owner (usual where a job runs in a container): `safe.directory`
 * alone is not enough, since git 2.35.2 to 2.37 and the security updates of older ones ignore it on the command line.
 */
export function repositoryVariables(root: string): NodeJS.ProcessEnv {
  return { GIT_DIR: join(resolve(root), '.git'), GIT_WORK_TREE: resolve(root), GIT_NO_LAZY_FETCH: '1' };
}

/** Options, placed before the command, that hold for every git run on the repository at `root`. */
export function fixedOptions(root: string): string[] {
  const settings = [
    'core.excludesFile=/dev/null', // what one user ignores says nothing about the code; works on Windows too
    'core.fsmonitor=', // empty is off for every version; older ones would take `false` for the name of a hook
    'core.hooksPath=/dev/null', // writing a scratch index would run post-index-change
    'core.splitIndex=false', // else a scratch index could be written in two parts, one of them into the repository
    'core.safecrlf=false', // refuses to store what could not be restored, but nothing is stored here
    'add.ignoreErrors=false',
    'protocol.allow=never', // a partial clone would fetch what it lacks, where git does not know GIT_NO_LAZY_FETCH yet
    `safe.directory=${resolve(root).split(sep).join('/')}`,
  ];
  return settings.flatMap((setting) => ['-c', setting]);
}
