import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { machineEnvironment, runAction } from '../run-action.ts';
import { listFiles, removeDirectory } from './build.ts';
import { Dice } from './dice.ts';
import type { BuiltAction } from './lane.ts';
import type { Tally, Witness } from './tally.ts';

// How much memory large sets take: the peak of real processes, as the system tells it when they end. Linux only.

const MIB = 1024 ** 2;
const BUCKET = 'sizes';
const COMMIT = 'c'.repeat(40);
const MOST_MB = { 'many files': 200, 'one large file': 250 } as const;
const FILES_A_FOLDER = 100;
const MOST_BYTES_A_FILE = 4096;
const CHUNK_BYTES = 8 * MIB;

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

/** Uploads a folder and restores it, with a server in a process of its own, which holds all of it in memory. */
async function provePeak(
  { action, tally, progress }: SizePlan,
  name: keyof typeof MOST_MB,
  write: (folder: string) => Promise<void>,
): Promise<void> {
  const witness = tally.witness(`sizes, ${name}`);
  const root = await mkdtemp(join(tmpdir(), 'proof-sizes-'));
  const [source, target] = [join(root, 'source'), join(root, 'target')];
  const server = await startServer();
  try {
    await mkdir(source);
    await write(source);
    for (const [mode, packages] of [
      ['upload', source],
      ['restore', target],
    ] as const) {
      const { peakMb, seconds } = await measure({ action, root, mode, packages, url: server.url }, witness);
      witness.expect(peakMb <= MOST_MB[name], `${mode} to take ${MOST_MB[name]} MB at most, and it takes ${peakMb}`);
      tally.atLeast(`${name}: ${mode}, peak MB`, peakMb);
      tally.atLeast(`${name}: ${mode}, seconds`, seconds);
      progress?.(`${name}: ${mode} took ${peakMb} MB at its peak, and ${seconds} s`);
    }
    witness.equal(await digestOf(target), await digestOf(source), 'the digest of what was restored');
  } finally {
    await server.stop();
    await removeDirectory(root);
  }
}

interface Measured {
  readonly action: BuiltAction;
  readonly root: string;
  readonly mode: 'upload' | 'restore';
  readonly packages: string;
  readonly url: string;
}

/** The process copies what the system says of it when it ends. */
const LAST_WORDS = `import { readFileSync, writeFileSync } from 'node:fs'; process.on('exit', () => writeFileSync(process.env.PROOF_STATUS, readFileSync('/proc/self/status')));`;

async function measure(
  { action, root, mode, packages, url }: Measured,
  witness: Witness,
): Promise<{ readonly peakMb: number; readonly seconds: number }> {
  const status = join(root, 'status');
  const startedMs = performance.now();
  const { exitCode, lines, outputs } = await runAction(
    {
      cwd: root,
      env: { PROOF_STATUS: status },
      inputs: {
        mode,
        bucket: BUCKET,
        'commit-sha': COMMIT,
        'package-directory': packages,
        'endpoint-url': url,
        'aws-region': 'us-east-1',
        'aws-access-key-id': 'test',
        'aws-secret-access-key': 'testsecret1',
      },
    },
    ['--import', `data:text/javascript,${encodeURIComponent(LAST_WORDS)}`, action.entry],
  );
  witness.tell(lines.filter((line) => !line.startsWith('::')).join('\n    '));
  witness.equal([exitCode, outputs.found], [0, 'true'], `how ${mode} ends`);
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  return { peakMb: peakOf(await readFile(status, 'utf8')), seconds };
}

/** https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
function peakOf(status: string): number {
  const kib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
  return Math.round((kib * 1024) / 1e6);
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

async function writeMany(folder: string, count: number, dice: Dice): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const inside = join(folder, `folder-${Math.floor(index / FILES_A_FOLDER)}`);
    if (index % FILES_A_FOLDER === 0) await mkdir(inside);
    await writeFile(join(inside, `file-${index}.txt`), dice.bytes(dice.below(MOST_BYTES_A_FILE)));
  }
}

async function writeLarge(file: string, sizeMib: number, dice: Dice): Promise<void> {
  await using handle = await open(file, 'wx');
  for (let written = 0; written < sizeMib * MIB; written += CHUNK_BYTES)
    await handle.write(dice.bytes(Math.min(CHUNK_BYTES, sizeMib * MIB - written)));
}

/** Of every visible file's path and bytes. */
async function digestOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const files = await listFiles(folder);
  for (const path of files.filter((file) => !basename(file).startsWith('.')).sort()) {
    hash.update(`${path}\0`);
    await feed(hash, join(folder, path));
  }
  return hash.digest('hex');
}

async function feed(hash: Hash, file: string): Promise<void> {
  for await (const chunk of createReadStream(file)) hash.update(chunk);
}
