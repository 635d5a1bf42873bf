import { hash } from 'node:crypto';
import {
  type ByteBudget,
  byteBudget,
  type Concurrency,
  forEachConcurrently,
  lanesFor,
  type Turns,
  turns,
} from '../core/concurrency.ts';
import { type SetLocation, uriOf } from '../core/keys.ts';
import { printable } from '../core/printable.ts';
import type { AssetFile } from '../core/record.ts';
import { SetChangedError } from '../errors.ts';
import type { AssetRead, IncomingFile, Ports } from '../ports.ts';

const MIB = 1024 ** 2;
const BYTES_IN_MEMORY = 64 * MIB;
/** From here on a file comes in ranges, however large the parts of an upload are: it takes a thread to hash it. */
const LARGEST_WHOLE_BYTES = 16 * MIB;
/** Larger ones are no faster, and take as much more memory. */
const LARGEST_RANGE_BYTES = 4 * MIB;
const RANGES_AT_ONCE = 4;
/** As many as fill the memory. Each has a thread. */
const LARGE_FILES_AT_ONCE = BYTES_IN_MEMORY / (RANGES_AT_ONCE * LARGEST_RANGE_BYTES);

type RestorePorts = Pick<Ports, 'store' | 'packages' | 'signal' | 'log' | 'clock'>;

export interface Restoring {
  readonly source: SetLocation;
  readonly files: readonly AssetFile[];
  readonly concurrency: Concurrency;
}

export interface Restored {
  /** How many were fetched; the others were there already, with the right digest. */
  readonly fetchedCount: number;
  /** How many of them have no digest: of a set without a record, whose metadata tells none either. */
  readonly uncheckedCount: number;
}

/**
 * Brings files of a set back into the package directory. Each is read only as long as the store has it with the ETag
 * given, checked against its SHA-256 under a temporary name, and only then given its own.
 *
 * @throws SetChangedError when a file is not, or no longer, what its record says; nothing of that file is left. What
 *   else was under way then is ended too.
 */
export async function restoreFiles(ports: RestorePorts, { source, files, concurrency }: Restoring): Promise<Restored> {
  const failure = new AbortController();
  const signal = AbortSignal.any([ports.signal, failure.signal]);
  const budget = byteBudget(BYTES_IN_MEMORY);
  const largeTurns = turns(LARGE_FILES_AT_ONCE);
  let fetchedCount = 0;
  let uncheckedCount = 0;
  await forEachConcurrently(files, lanesFor(concurrency, ports.clock), async (file) => {
    try {
      signal.throwIfAborted();
      if (await isThere(ports, file)) return;
      await fetchFile(
        { ...ports, signal, fail: (error) => failure.abort(error) },
        { source, file, budget, largeTurns },
      );
    } catch (error) {
      failure.abort(error);
      throw error;
    }
    fetchedCount += 1;
    if (file.sha256 === undefined) uncheckedCount += 1;
    ports.log.debug(`Restored: ${printable(file.path)}`);
  });
  return { fetchedCount, uncheckedCount };
}

/** A digest does not tell whether a file may be executed, so one that must be is fetched anew. */
async function isThere({ packages }: RestorePorts, { path, size, sha256, executable }: AssetFile): Promise<boolean> {
  if (sha256 === undefined || executable === true) return false;
  return (await packages.digest(path, size)) === sha256;
}

interface FetchPorts extends RestorePorts {
  /** Aborts the signal, with the error as its reason: there is no use in anything else that is under way. */
  readonly fail: (error: unknown) => void;
}

interface Fetching {
  readonly source: SetLocation;
  readonly file: AssetFile;
  readonly budget: ByteBudget;
  readonly largeTurns: Turns;
}

async function fetchFile(ports: FetchPorts, fetching: Fetching): Promise<void> {
  const { file, source } = fetching;
  await using incoming = await ports.packages.receive(file.path, file.size);
  const sha256 = await fetchContent(ports, fetching, incoming);
  if (file.sha256 !== undefined && sha256 !== file.sha256)
    throw new SetChangedError(
      `'${printable(file.path)}' under ${uriOf(ports.store.bucket, source)} has other bytes than its record says (SHA-256 ${sha256}, recorded ${printable(file.sha256)})`,
    );
  await incoming.keep({ executable: file.executable === true });
}

/** @returns the SHA-256 of what was fetched and written, base64 */
async function fetchContent(ports: FetchPorts, fetching: Fetching, incoming: IncomingFile): Promise<string> {
  const { file, budget, largeTurns } = fetching;
  const { partSizeBytes } = ports.store;
  if (file.size > Math.min(partSizeBytes, LARGEST_WHOLE_BYTES)) {
    const rangeBytes = Math.min(partSizeBytes, LARGEST_RANGE_BYTES);
    return largeTurns.take(() => fetchRanges(ports, fetching, { incoming, rangeBytes }));
  }
  return budget.lend(file.size, async (into) => {
    const bytes = await readRange(ports, fetching, { range: { position: 0, lengthBytes: file.size }, into });
    await incoming.write(0, bytes);
    return hash('sha256', bytes, 'base64');
  });
}

/** Ranges are fetched and written side by side, while the file is hashed from its begin. */
async function fetchRanges(
  ports: FetchPorts,
  fetching: Fetching,
  { incoming, rangeBytes }: { readonly incoming: IncomingFile; readonly rangeBytes: number },
): Promise<string> {
  const { file, budget } = fetching;
  const ranges = rangesOf(file.size, rangeBytes);
  const fetch = (range: AssetRead['range']): Promise<void> =>
    budget.lend(range.lengthBytes, async (into) =>
      incoming.write(range.position, await readRange(ports, fetching, { range, into })),
    );
  // The lanes share one iterator, which the first failure closes.
  const lanes = Array.from({ length: RANGES_AT_ONCE }, async () => {
    for (const range of ranges) await fetch(range);
  });
  await Promise.all(lanes.map((lane) => lane.catch(ports.fail)));
  ports.signal.throwIfAborted();
  return incoming.digest();
}

async function readRange(
  { store, signal }: FetchPorts,
  { source, file }: Fetching,
  range: Pick<AssetRead, 'range' | 'into'>,
): Promise<Uint8Array> {
  const key = source.prefix + file.path;
  const result = await store.readAsset({ key, etag: file.etag, sizeBytes: file.size, ...range, signal });
  if (result.outcome === 'read') return result.bytes;
  throw new SetChangedError(
    `'${printable(file.path)}' under ${uriOf(store.bucket, source)} is no longer what its record says`,
  );
}

/** One after another, however many a record claims there are. */
function* rangesOf(sizeBytes: number, rangeBytes: number): Generator<AssetRead['range']> {
  for (let position = 0; position < sizeBytes; position += rangeBytes)
    yield { position, lengthBytes: Math.min(rangeBytes, sizeBytes - position) };
}
