import { createHash } from 'node:crypto';
import { type ByteBudget, byteBudget, forEachConcurrently, waitForAll } from '../async.ts';
import { SetChangedError, UserError } from '../errors.ts';
import type { AssetRead, IncomingFile } from '../ports.ts';
import type { FileProgress } from '../progress.ts';
import type { RunContext } from '../run-context.ts';
import { counted, printable } from '../text.ts';
import { contentsOf } from './copy.ts';
import { type SetLocation, uriOf } from './location.ts';
import { isUsable, type Lookup, lookUpFinished } from './lookup.ts';
import { type NamingRules, namingProblem, pathProblem } from './path.ts';
import type { AssetFile } from './record.ts';

/** Which files of a set to restore. */
export interface RestoreSelection {
  readonly isChosen: (path: string) => boolean;
  /** The including patterns of `files` that match none of these paths. */
  readonly unmatchedBy: (paths: Iterable<string>) => readonly string[];
  readonly naming: NamingRules;
}

interface RestoredSet {
  readonly set: Lookup;
  readonly files: readonly AssetFile[];
  readonly fetchedCount: number;
}

/**
 * Restores a set into the package directory. If its objects differ from its record, looks the set up once more, since
 * another run may have repaired it or may be doing so.
 *
 * @throws UserError for a name that can't be a file here, before anything is fetched; SetChangedError for a set that
 *   differs from its record
 */
export async function restoreSet(run: RunContext, set: Lookup, selection: RestoreSelection): Promise<RestoredSet> {
  try {
    return await restoreOrStartOver(run, set, selection);
  } catch (error) {
    if (!(error instanceof SetChangedError)) throw error;
    const advice = "re-run this step, and should it fail again, upload the assets anew with 'overwrite: true'";
    throw new SetChangedError(`${error.message}: ${advice}`, { cause: error });
  }
}

async function restoreOrStartOver(run: RunContext, set: Lookup, selection: RestoreSelection): Promise<RestoredSet> {
  try {
    return await restore(run, set, selection);
  } catch (error) {
    if (!(error instanceof SetChangedError)) throw error;
    const again = await lookUpFinished(run, set.location);
    if (!isUsable(again, run.legacy) || writeOf(again) === writeOf(set)) throw error;
    // A file that only the earlier set had may already be restored, and would remain among the others.
    if (!new Set(namesIn(set)).isSubsetOf(new Set(namesIn(again)))) throw error;
    run.log.info(`${error.message}: it was repaired meanwhile, so restoring starts over.`);
    return restore(run, again, selection);
  }
}

/** Identifies the write of the record that a lookup read; undefined for a set without a record. */
function writeOf({ status }: Lookup): string | undefined {
  if (status.reason !== 'complete') return undefined;
  const { nonce, sequence } = status.record.writer;
  return `${sequence} ${nonce}`;
}

/** Every path of a set, including duplicates. */
function namesIn({ status, listing }: Lookup): readonly string[] {
  return status.reason === 'complete' ? status.record.files.map(({ path }) => path) : [...listing.keys()];
}

async function restore(run: RunContext, set: Lookup, { isChosen, naming }: RestoreSelection): Promise<RestoredSet> {
  refuseNames(namesIn(set).filter(isChosen), set, naming);
  const { files } = await contentsOf(run, set, isChosen);
  const { fetchedCount, uncheckedCount } = await restoreFiles(run, set.location, files);
  if (uncheckedCount > 0)
    run.log.warning(
      `${counted(uncheckedCount, 'file')} at ${set.location.prefix} could not be checked: neither a record nor metadata has a SHA-256.`,
    );
  return { set, files, fetchedCount };
}

/** Paths from a record or a listing are untrusted input. */
function refuseNames(paths: readonly string[], { location }: Lookup, naming: NamingRules): void {
  for (const path of paths) {
    const problem = pathProblem(path, [location.prefix]);
    if (problem !== undefined) throw refused(`'${printable(path)}' is refused: ${problem}`, location.prefix);
  }
  const problem = namingProblem(paths, naming);
  if (problem !== undefined) throw refused(problem, location.prefix);
}

function refused(problem: string, prefix: string): UserError {
  return new UserError(`The set at ${prefix} can't be restored here: ${problem}. Choose other files by 'files'.`);
}

const MIB = 1024 ** 2;
const BYTES_IN_MEMORY = 64 * MIB;
/** Larger ranges are no faster and take more memory. */
const LARGEST_RANGE_BYTES = 4 * MIB;
/** Per file. */
const RANGES_AT_ONCE = 4;

type RestorePorts = Pick<RunContext, 'store' | 'packages' | 'signal' | 'log' | 'concurrency' | 'progress'>;

interface Restored {
  /** Files that were fetched; the others were already there with the right digest. */
  readonly fetchedCount: number;
  /** Fetched files whose SHA-256 is unknown: their set has no record, and their metadata has no digest. */
  readonly uncheckedCount: number;
}

/**
 * Restores files of a set into the package directory. Each is read only while the store has it with the given ETag, and
 * gets its final name only after its SHA-256 has been verified.
 *
 * @throws SetChangedError when a file differs from its record; nothing of that file is left, and all other transfers
 *   are aborted
 */
export async function restoreFiles(
  run: RestorePorts,
  source: SetLocation,
  files: readonly AssetFile[],
): Promise<Restored> {
  const failure = new AbortController();
  const signal = AbortSignal.any([run.signal, failure.signal]);
  const budget = byteBudget(BYTES_IN_MEMORY);
  let fetchedCount = 0;
  let uncheckedCount = 0;
  const ports = { ...run, signal, fail: (error: unknown) => failure.abort(error) };
  const restoreOne = async (file: AssetFile, progress: FileProgress): Promise<void> => {
    try {
      signal.throwIfAborted();
      const isFetched = !(await isThere(run, file, progress));
      if (isFetched) await fetchFile(ports, { source, file, budget, progress });
      progress.end();
      if (!isFetched) return;
    } catch (error) {
      failure.abort(error);
      throw error;
    }
    fetchedCount += 1;
    if (file.sha256 === undefined) uncheckedCount += 1;
    run.log.debug(`Restored: ${printable(file.path)}`);
  };
  await run.progress.during('Restoring', files, (transfer) =>
    forEachConcurrently(files, run.concurrency, (file) => restoreOne(file, transfer.file(file.size))),
  );
  return { fetchedCount, uncheckedCount };
}

/** A digest does not show whether a file is executable, so executable files are always fetched. */
async function isThere(
  { packages }: RestorePorts,
  { path, size, sha256, executable }: AssetFile,
  { hashed }: FileProgress,
): Promise<boolean> {
  if (sha256 === undefined || executable === true) return false;
  return (await packages.digest(path, size, hashed)) === sha256;
}

interface FetchPorts extends RestorePorts {
  /** Aborts the signal, with the error as its reason: the other transfers are now pointless. */
  readonly fail: (error: unknown) => void;
}

interface Fetching {
  readonly source: SetLocation;
  readonly file: AssetFile;
  readonly budget: ByteBudget;
  readonly progress: FileProgress;
}

async function fetchFile(ports: FetchPorts, fetching: Fetching): Promise<void> {
  const { file, source } = fetching;
  await using incoming = await ports.packages.receive(file.path);
  const sha256 = await fetchContent(ports, fetching, incoming);
  if (file.sha256 !== undefined && sha256 !== file.sha256)
    throw new SetChangedError(
      `'${printable(file.path)}' under ${uriOf(ports.store.bucket, source)} has different contents from its record (SHA-256 ${sha256}, recorded ${printable(file.sha256)})`,
    );
  await incoming.keep({ executable: file.executable === true });
}

/**
 * Fetches and writes ranges concurrently, and hashes them in order.
 *
 * @returns the SHA-256 of the whole file, in base64
 */
async function fetchContent(ports: FetchPorts, fetching: Fetching, incoming: IncomingFile): Promise<string> {
  const { file, budget } = fetching;
  const sha256 = createHash('sha256');
  let hashed: Promise<unknown> = Promise.resolve();
  const fetch = (range: AssetRead['range']): Promise<unknown> =>
    budget.lend(range.lengthBytes, async (into) => {
      const before = hashed;
      const reading = readRange(ports, fetching, { range, into });
      hashed = reading.then(async (bytes) => {
        await before;
        sha256.update(bytes);
      });
      return waitForAll([hashed, reading.then((bytes) => incoming.write(range.position, bytes))]);
    });
  // The lanes share one iterator, which the first failure closes.
  const rangeBytes = Math.min(ports.store.partSizeBytes, LARGEST_RANGE_BYTES);
  const ranges = rangesOf(file.size, rangeBytes);
  const lanes = Array.from({ length: file.size > rangeBytes ? RANGES_AT_ONCE : 1 }, async () => {
    for (const range of ranges) await fetch(range);
  });
  await Promise.all(lanes.map((lane) => lane.catch(ports.fail)));
  ports.signal.throwIfAborted();
  return sha256.digest('base64');
}

async function readRange(
  { store, signal }: FetchPorts,
  { source, file, progress }: Fetching,
  range: Pick<AssetRead, 'range' | 'into'>,
): Promise<Uint8Array> {
  const key = source.prefix + file.path;
  const result = await store.readAsset({
    key,
    etag: file.etag,
    sizeBytes: file.size,
    ...range,
    onBytes: progress.moved,
    signal,
  });
  if (result.outcome === 'read') return result.bytes;
  throw new SetChangedError(
    `'${printable(file.path)}' under ${uriOf(store.bucket, source)} has changed since its record was written`,
  );
}

/**
 * Yields one range at a time, since a record may claim a file of any size. An empty file has one range too, so that a
 * request shows whether the file is still there.
 */
function* rangesOf(sizeBytes: number, rangeBytes: number): Generator<AssetRead['range']> {
  let position = 0;
  do {
    yield { position, lengthBytes: Math.min(rangeBytes, sizeBytes - position) };
    position += rangeBytes;
  } while (position < sizeBytes);
}
