import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runAction, storeInputs } from '../run-action.ts';
import type { BuiltAction } from './lane.ts';
import type { Endpoint } from './store.ts';
import type { Witness } from './tally.ts';

/** A run of the action whose peak memory is measured. */
export interface MeasuredStep {
  readonly action: BuiltAction;
  /** A directory to run it in. */
  readonly root: string;
  readonly mode: 'check' | 'upload' | 'restore';
  readonly bucket: string;
  readonly commit: string;
  readonly endpoint: Endpoint;
  readonly packages: string;
  readonly codeHash?: string;
  /** The outputs it must set, besides `found`. */
  readonly expected?: Readonly<Record<string, string>>;
}

export interface Measures {
  /** Peak of the memory of the process, in millions of bytes. */
  readonly peakMb: number;
  readonly seconds: number;
}

/** The process copies its own statistics from the system when it ends. */
const LAST_WORDS = `import { readFileSync, writeFileSync } from 'node:fs'; process.on('exit', () => writeFileSync(process.env.PROOF_STATUS, readFileSync('/proc/self/status')));`;

/** Runs a step that must succeed. Linux only. */
export async function measureStep(step: MeasuredStep, witness: Witness): Promise<Measures> {
  const { action, root, mode, expected = {} } = step;
  const status = join(root, 'status');
  const startedMs = performance.now();
  const { exitCode, lines, outputs, stderr } = await runAction(
    { cwd: root, env: { PROOF_STATUS: status }, inputs: inputsOf(step) },
    ['--import', `data:text/javascript,${encodeURIComponent(LAST_WORDS)}`, action.entry],
  );
  const log = [...lines.filter((line) => !line.startsWith('::add-mask')), stderr];
  witness.tell(log.join('\n    '));
  const wanted = { found: 'true', ...expected };
  const seen = Object.fromEntries(Object.keys(wanted).map((name) => [name, outputs[name]]));
  witness.equal([exitCode, seen], [0, wanted], `how ${mode} ends`);
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  return { peakMb: peakOf(await readFile(status, 'utf8')), seconds };
}

function inputsOf({ mode, bucket, commit, packages, codeHash, endpoint }: MeasuredStep): Record<string, string> {
  return {
    mode,
    ...storeInputs(bucket, endpoint.url, endpoint),
    'commit-sha': commit,
    'package-directory': packages,
    ...(codeHash === undefined ? {} : { 'code-hash': codeHash }),
  };
}

/** https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
function peakOf(status: string): number {
  const kib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
  return Math.round((kib * 1024) / 1e6);
}
