import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { machineEnvironment } from '../run-action.ts';
import { removeDirectory } from './build.ts';
import { Dice } from './dice.ts';
import type { BuiltAction } from './lane.ts';
import { digestOf, writeLarge, writeMany } from './large-folders.ts';
import { type MeasuredStep, measureStep } from './measured-step.ts';
import type { Tally, Witness } from './tally.ts';

// How much memory large sets take: the peak of real processes, as the system reports it when they end. Linux only.

const BUCKET = 'sizes';
const COMMIT = 'c'.repeat(40);
export const MOST_MB = { 'many files': 300, 'one large file': 300 } as const;

export interface SizePlan {
  readonly action: BuiltAction;
  readonly seed: string;
  readonly tally: Tally;
  readonly files: number;
  readonly largeMib: number;
  readonly progress?: (line: string) => void;
}

export async function proveSizes(plan: SizePlan): Promise<void> {
  const { files, largeMib, seed } = plan;
  const dice = new Dice(seed);
  await provePeak(plan, 'many files', (folder) => writeMany(folder, files, dice));
  await provePeak(plan, 'one large file', (folder) => writeLarge(join(folder, 'large.bin'), largeMib, dice));
}

/** Uploads, checks and restores a folder, with a server in a process of its own that keeps all of it in memory. */
async function provePeak(
  plan: SizePlan,
  kind: keyof typeof MOST_MB,
  write: (folder: string) => Promise<void>,
): Promise<void> {
  const witness = plan.tally.witness(`sizes, ${kind}`);
  const root = await mkdtemp(join(tmpdir(), 'proof-sizes-'));
  const [source, target] = [join(root, 'source'), join(root, 'target')];
  const server = await startServer();
  const endpoint = { url: server.url, accessKeyId: 'test', secretAccessKey: 'testsecret1' };
  const step = { action: plan.action, root, bucket: BUCKET, commit: COMMIT, endpoint };
  try {
    await mkdir(source);
    await write(source);
    await holdToPeak(plan, { kind, witness, step: { ...step, mode: 'upload', packages: source } });
    await holdToPeak(plan, { kind, witness, step: { ...step, mode: 'check', packages: target } });
    await holdToPeak(plan, { kind, witness, step: { ...step, mode: 'restore', packages: target } });
    witness.equal(await digestOf(target), await digestOf(source), 'the digest of what was restored');
  } finally {
    await server.stop();
    await removeDirectory(root);
  }
}

export interface PeakedStep {
  readonly kind: keyof typeof MOST_MB;
  readonly witness: Witness;
  readonly step: MeasuredStep;
  /** Replaces the mode in figures. */
  readonly name?: string;
}

/** Runs a step, and compares its peak memory with the limit for this kind of set. */
export async function holdToPeak(
  { tally, progress }: Pick<SizePlan, 'tally' | 'progress'>,
  { kind, witness, step, name = step.mode }: PeakedStep,
): Promise<void> {
  const { peakMb, seconds } = await measureStep(step, witness);
  witness.expect(peakMb <= MOST_MB[kind], `${name} to take ${MOST_MB[kind]} MB at most, and it takes ${peakMb}`);
  tally.atLeast(`${kind}: ${name}, peak MB`, peakMb);
  tally.atLeast(`${kind}: ${name}, seconds`, seconds);
  progress?.(`${kind}: ${name} took ${peakMb} MB at its peak, and ${seconds} s`);
}

interface ServerProcess {
  readonly url: string;
  stop(): Promise<void>;
}

async function startServer(): Promise<ServerProcess> {
  const cli = resolve(import.meta.dirname, '..', 'local-s3', 'cli.ts');
  const args = [cli, '--port', '0', '--bucket', BUCKET];
  const child = spawn(process.execPath, args, { env: machineEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = await once(createInterface(child.stdout), 'line');
  return { url: String(url), stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'close');
  child.kill();
  await ended;
}
