import { mkdir, mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installServer } from '../servers/install-server.ts';
import { CACHE } from '../servers/options.ts';
import { RunningServer } from '../servers/running-server.ts';
import { SEAWEEDFS } from '../servers/seaweedfs.ts';
import type { ServerDefinition } from '../servers/server-definition.ts';
import { VERSITYGW } from '../servers/versitygw.ts';
import { removeDirectory } from './build.ts';
import { Dice } from './dice.ts';
import { digestOf, writeLarge, writeMany } from './large-folders.ts';
import type { MeasuredStep } from './measured-step.ts';
import { holdToPeak, type MOST_MB, type SizePlan } from './sizes.ts';
import { openStore } from './store.ts';

// Large sets on a real server that keeps them on disk. A file of more than 5 GiB is copied in parts, into the cache
// and out of it. Linux only.

const BUILT = 'c'.repeat(40);
const NEXT = 'd'.repeat(40);
const CODE_HASH = '5'.repeat(64);
const MIB = 1024 ** 2;
/** Copies on disk: the folder or its restore, three sets (commit, cache, next commit), and parts in transit. */
const COPIES = 5;

/**
 * The second one is used if the first can't be installed. It stores information about parts with the object's file,
 * where ext4 has no room for the parts of 6 GiB.
 */
const SERVERS = [SEAWEEDFS, VERSITYGW];

export async function proveServerSizes(plan: SizePlan): Promise<void> {
  const { files, largeMib, seed, tally, progress } = plan;
  const neededBytes = COPIES * largeMib * MIB;
  const { bavail, bsize } = await statfs(tmpdir());
  if (bavail * bsize < neededBytes) {
    tally.skipped = `${tmpdir()} has not the ${Math.ceil(neededBytes / 1e9)} GB that it takes`;
    return;
  }
  const installed = await installOne(plan);
  if (installed === undefined) return;
  const { server, program } = installed;
  progress?.(`On ${server.name} ${server.version}`);
  const dice = new Dice(seed);
  await onServer(plan, installed, 'many files', (folder) => writeMany(folder, files, dice));
  await onServer(plan, { server, program }, 'one large file', (folder) =>
    writeLarge(join(folder, 'large.bin'), largeMib, dice),
  );
}

interface Installed {
  readonly server: ServerDefinition;
  readonly program: string;
}

/** @returns the first server that can be installed; undefined, after noting that, if none can */
async function installOne({ tally, progress }: SizePlan): Promise<Installed | undefined> {
  const cancelled = new AbortController().signal;
  const reasons: string[] = [];
  for (const server of SERVERS) {
    try {
      return { server, program: await installServer(server, { installDirectory: CACHE, cancelled }) };
    } catch (error) {
      reasons.push(Error.isError(error) ? error.message : String(error));
      progress?.(reasons.at(-1) ?? '');
    }
  }
  tally.skipped = reasons.join('; ');
  return undefined;
}

/** Uploads a folder with caching, promotes it with the check of another commit of the same code, and restores it. */
async function onServer(
  plan: SizePlan,
  { server, program }: Installed,
  kind: keyof typeof MOST_MB,
  write: (folder: string) => Promise<void>,
): Promise<void> {
  const witness = plan.tally.witness(`server, ${kind}`);
  await using stack = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), 'proof-server-'));
  stack.defer(() => removeDirectory(root));
  const running = stack.use(await RunningServer.start(server, program, { cancelled: new AbortController().signal }));
  const store = await openStore({ url: running.endpoint, ...running.credentials });
  const { bucket, endpoint } = store;
  const source = join(root, 'source');
  await mkdir(source);
  await write(source);
  const built = await digestOf(source);
  const step = { action: plan.action, root, bucket, endpoint, codeHash: CODE_HASH };
  const run = (more: Pick<MeasuredStep, 'mode' | 'commit' | 'packages' | 'expected'>, name?: string) =>
    holdToPeak(plan, { kind, witness, step: { ...step, ...more }, ...(name === undefined ? {} : { name }) });
  const cached = { uploaded: 'true', cached: 'true' };
  await run({ mode: 'upload', commit: BUILT, packages: source, expected: cached }, 'upload with caching');
  await removeDirectory(source);
  const [checked, target] = [join(root, 'checked'), join(root, 'target')];
  const promoted = { source: 'cache', 'cache-hit': 'true', 'built-from-commit': BUILT };
  await run({ mode: 'check', commit: NEXT, packages: checked, expected: promoted }, 'promotion');
  await run({ mode: 'check', commit: NEXT, packages: checked, expected: { source: 'artifact' } });
  await run({ mode: 'restore', commit: NEXT, packages: target, expected: { restored: 'true' } });
  witness.equal(await digestOf(target), built, 'the digest of what was restored');
  witness.equal(await store.openUploads(''), [], 'the multipart uploads left open');
}
