import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { machineEnvironment } from '../run-action.ts';

const PROGRAM = join(import.meta.dirname, 'proxy-program.ts');

export interface ProxyProcess extends AsyncDisposable {
  /** The URL that clients connect to instead of the server's. */
  readonly endpoint: string;
}

/** @param endpoint of a server on this machine that shall appear a round trip away */
export async function startProxyProcess(endpoint: string, roundTripMs: number): Promise<ProxyProcess> {
  const { protocol, port: target } = new URL(endpoint);
  const args = [PROGRAM, target, String(roundTripMs)];
  const child = spawn(process.execPath, args, { env: machineEnvironment(), stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [port] = await Promise.race([once(createInterface(child.stdout), 'line'), ended.then(fail)]);
  return {
    endpoint: `${protocol}//127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function fail([exitCode]: readonly unknown[]): never {
  throw new Error(`the delaying proxy ended with exit code ${exitCode}`);
}
