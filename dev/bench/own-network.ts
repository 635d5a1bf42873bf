import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

const LOOPBACK_UP = 'ip link set lo up';
const LIMIT = ['qdisc', 'add', 'dev', 'lo', 'root', 'tbf', 'rate', '2gbit', 'burst', '1mb', 'latency', '50ms'];
const NO_LIMIT = ['qdisc', 'del', 'dev', 'lo', 'root'];

/** Set for the program in a network namespace of its own. */
const IS_INSIDE = 'BENCH_IS_IN_OWN_NETWORK';

/**
 * Restarts this program in a network namespace of its own, with a loopback that can be slowed down. The
 * kernel removes the namespace with the last process in it, however that ends. Nothing outside can be reached from it.
 *
 * @returns whether it already runs in one; false, after printing the reason, if it can't
 */
export async function enterOwnNetwork(): Promise<boolean> {
  if (process.env[IS_INSIDE] !== undefined) return true;
  const trial = ['--net', 'sh', '-ec', `${LOOPBACK_UP}; tc ${LIMIT.join(' ')}`];
  const reason = await run('unshare', trial).then(
    () => undefined,
    (error: Error) => error.message.trim().split('\n').at(-1),
  );
  if (reason !== undefined || process.execve === undefined) {
    console.log(`2gbit is left out, which needs Linux, root, and the packages iproute2 and util-linux: ${reason}`);
    return false;
  }
  const inside = ['sh', '-ec', `${LOOPBACK_UP}; exec "$@"`, 'sh'];
  const itself = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  return process.execve('/usr/bin/env', ['env', 'unshare', '--net', ...inside, ...itself], {
    ...process.env,
    [IS_INSIDE]: 'true',
  });
}

/** Limits the namespace's loopback, all connections and both directions together, until it is disposed. */
export async function limitLoopback(): Promise<AsyncDisposable> {
  await run('tc', LIMIT);
  return { [Symbol.asyncDispose]: async () => void (await run('tc', NO_LIMIT)) };
}
