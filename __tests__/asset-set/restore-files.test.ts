import { createHash } from 'node:crypto';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { restoreFiles } from '../../src/asset-set/download.ts';
import { artifactSet } from '../../src/asset-set/location.ts';
import type { AssetFile } from '../../src/asset-set/record.ts';
import { SetChangedError } from '../../src/errors.ts';
import { systemClock } from '../../src/host/system.ts';
import { packageDirectory } from '../../src/package-directory/package-directory.ts';
import type { AssetRead, ObjectStore, ReadResult } from '../../src/ports.ts';
import { Progress } from '../../src/progress.ts';
import { SILENT } from '../package-directory/packages.ts';
import { storeAt } from '../s3/stores.ts';

// How transfers are interleaved. Store and disk are stand-ins, since these tests look at what is in progress at once.

const MIB = 1024 ** 2;
const SOURCE = artifactSet('', 'c'.repeat(40));

/** The files received, and the work in progress. */
class Bench {
  readonly kept = new Map<string, Buffer>();
  readonly executable = new Set<string>();
  readonly reads: AssetRead[] = [];
  readonly cancellation = new AbortController();
  /** Bytes of ranges that were requested and not yet written. */
  peakBytes = 0;
  liveReads = 0;
  openFiles = 0;
  #liveBytes = 0;

  async restore(
    files: readonly AssetFile[],
    readAsset: (read: AssetRead) => Promise<ReadResult>,
    { partSizeBytes = 8 * MIB, concurrency = 4, onWrite = async () => {} }: BenchOptions = {},
  ): Promise<number> {
    const store: ObjectStore = {
      ...storeAt({ url: 'http://127.0.0.1:1' }),
      partSizeBytes,
      readAsset: (read) => this.#track(read, readAsset),
    };
    const packages = {
      ...packageDirectory('not-there', SILENT),
      digest: async () => undefined,
      receive: (path: string) => this.#receive(path, onWrite),
    };
    const { signal } = this.cancellation;
    const progress = new Progress({ clock: systemClock, log: SILENT });
    const run = { store, packages, signal, log: SILENT, clock: systemClock, concurrency, progress };
    return (await restoreFiles(run, SOURCE, files)).fetchedCount;
  }

  async #track(read: AssetRead, readAsset: (read: AssetRead) => Promise<ReadResult>): Promise<ReadResult> {
    const { into: _, onBytes: __, ...asked } = read;
    this.reads.push(asked);
    this.liveReads += 1;
    this.#liveBytes += read.range.lengthBytes;
    this.peakBytes = Math.max(this.peakBytes, this.#liveBytes);
    try {
      read.signal.throwIfAborted();
      return await readAsset(read);
    } finally {
      this.liveReads -= 1;
    }
  }

  async #receive(path: string, onWrite: () => Promise<void>) {
    const pieces = new Map<number, Uint8Array>();
    this.openFiles += 1;
    return {
      write: async (position: number, bytes: Uint8Array) => {
        await onWrite();
        pieces.set(position, bytes);
        this.#liveBytes -= this.reads.find(({ range }) => range.position === position)?.range.lengthBytes ?? 0;
      },
      digest: async () => createHash('sha256').update(joined(pieces)).digest('base64'),
      keep: async ({ executable }: { readonly executable: boolean }) => {
        this.kept.set(path, joined(pieces));
        if (executable) this.executable.add(path);
      },
      [Symbol.asyncDispose]: async () => {
        this.openFiles -= 1;
      },
    };
  }
}

function joined(pieces: ReadonlyMap<number, Uint8Array>): Buffer {
  return Buffer.concat([...pieces].toSorted(([left], [right]) => left - right).map(([, bytes]) => bytes));
}

interface BenchOptions {
  readonly partSizeBytes?: number;
  readonly concurrency?: number;
  readonly onWrite?: () => Promise<void>;
}

function fileOf(path: string, size: number, rest: Partial<AssetFile> = {}): AssetFile {
  return { path, size, etag: `"${path}"`, ...rest };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** Ranges whose bodies are shorter than they claim: only the requested sizes are counted. */
async function nothing(): Promise<ReadResult> {
  await setImmediate();
  return { outcome: 'read', bytes: new Uint8Array() };
}

/** Runs until its signal aborts it. */
async function forever({ signal }: AssetRead): Promise<ReadResult> {
  await setTimeout(60_000, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
  return { outcome: 'changed' };
}

describe('ranges', () => {
  const BYTES = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));
  const readBytes = async ({ range }: AssetRead): Promise<ReadResult> => {
    await setTimeout((range.position * 7) % 11);
    return { outcome: 'read', bytes: BYTES.subarray(range.position, range.position + range.lengthBytes) };
  };

  it.each([1, 7, 100, 250, 999, 1000, 1001])(
    'of %i bytes add up to the file and its SHA-256',
    async (partSizeBytes) => {
      const bench = new Bench();
      const files = ['a', 'b', 'c'].map((path) => fileOf(path, BYTES.length, { sha256: sha256(BYTES) }));
      const wanted = partSizeBytes < 7 ? files.slice(0, 1) : files;
      expect(await bench.restore(wanted, readBytes, { partSizeBytes })).toBe(wanted.length);
      for (const { path } of wanted) expect(bench.kept.get(path)?.equals(BYTES)).toBe(true);
    },
  );

  it('are requested once each, with the key, the ETag and the size of their file', async () => {
    const bench = new Bench();
    await bench.restore([fileOf('sub/a', 1000)], readBytes, { partSizeBytes: 400 });
    expect(bench.reads.map(({ signal, ...read }) => read)).toEqual(
      [
        { position: 0, lengthBytes: 400 },
        { position: 400, lengthBytes: 400 },
        { position: 800, lengthBytes: 200 },
      ].map((range) => ({ key: `${SOURCE.prefix}sub/a`, etag: '"sub/a"', sizeBytes: 1000, range })),
    );
  });

  it('number exactly one for an empty file', async () => {
    const bench = new Bench();
    await bench.restore([fileOf('a', 0, { executable: true })], nothing);
    expect(bench.reads.map(({ range }) => range)).toEqual([{ position: 0, lengthBytes: 0 }]);
    expect(bench.executable).toEqual(new Set(['a']));
  });

  it('take at most 64 MiB at once, whatever is restored', async () => {
    const bench = new Bench();
    const files = Array.from({ length: 40 }, (_, index) => fileOf(`${index}`, 100 * MIB));
    await bench.restore(files, nothing, { concurrency: 40, onWrite: () => setImmediate() });
    expect(bench.peakBytes).toBe(64 * MIB);
    expect(bench.kept.size).toBe(40);
  });

  it('take at most 16 MiB each, however large parts are', async () => {
    const bench = new Bench();
    await bench.restore([fileOf('a', 100 * MIB)], nothing, { partSizeBytes: 5120 * MIB });
    expect(Math.max(...bench.reads.map(({ range }) => range.lengthBytes))).toBe(4 * MIB);
    expect(bench.peakBytes).toBe(16 * MIB);
  });

  it.each([10 * 1024 ** 4, Number.MAX_SAFE_INTEGER])(
    'are not allocated in advance for a claimed size of %i bytes',
    async (size) => {
      const bench = new Bench();
      const startedMs = performance.now();
      const restoring = bench.restore([fileOf('a', size)], async () => ({ outcome: 'changed' }));
      await expect(restoring).rejects.toBeInstanceOf(SetChangedError);
      expect(bench.reads.length).toBeLessThanOrEqual(4);
      expect(performance.now() - startedMs).toBeLessThan(1000);
    },
  );
});

describe('a failure', () => {
  const FILES = Array.from({ length: 12 }, (_, index) => fileOf(`${index}`, 20 * MIB));

  it('aborts all work in progress, waits for it, and starts nothing more', async () => {
    const bench = new Bench();
    const restoring = bench.restore(FILES, async (read) => {
      if (!read.key.endsWith('/2')) return forever(read);
      await setTimeout(20);
      return { outcome: 'changed' };
    });
    await expect(restoring).rejects.toThrow("'2' under");
    expect(bench.liveReads).toBe(0);
    expect(bench.openFiles).toBe(0);
    expect(bench.kept.size).toBe(0);
    expect(new Set(bench.reads.map(({ key }) => key)).size).toBeLessThanOrEqual(4);
  });

  it('of the store is reported unchanged', async () => {
    const bench = new Bench();
    const restoring = bench.restore(FILES, async (read) => {
      if (read.range.position === 0) return forever(read);
      throw new Error('the store failed');
    });
    await expect(restoring).rejects.toThrow('the store failed');
    expect(bench.liveReads).toBe(0);
  });

  it('of the disk aborts the reads', async () => {
    const bench = new Bench();
    const onWrite = () => Promise.reject(new Error('the disk is full'));
    const restoring = bench.restore(FILES, (read) => (read.key.endsWith('/0') ? nothing() : forever(read)), {
      onWrite,
    });
    await expect(restoring).rejects.toThrow('the disk is full');
    expect(bench.liveReads).toBe(0);
    expect(bench.openFiles).toBe(0);
    expect(bench.kept.size).toBe(0);
  });

  it('keeps the files that were complete by then', async () => {
    const bench = new Bench();
    const restoring = bench.restore(
      FILES,
      async ({ key }) => (key.endsWith('/5') ? { outcome: 'changed' } : nothing()),
      { concurrency: 1 },
    );
    await expect(restoring).rejects.toThrow("'5' under");
    expect([...bench.kept.keys()]).toEqual(['0', '1', '2', '3', '4']);
  });

  it('is reported for a wrong SHA-256', async () => {
    const bench = new Bench();
    const restoring = bench.restore([fileOf('a', 1, { sha256: sha256(Buffer.from('a')) })], async () => ({
      outcome: 'read',
      bytes: Buffer.from('b'),
    }));
    await expect(restoring).rejects.toThrow(/'a' under .* has different contents from its record/);
    expect(bench.kept.size).toBe(0);
  });

  it.each(['', 'garbage', sha256(Buffer.from('a')).slice(0, -1)])(
    'is reported for an invalid SHA-256: %j',
    async (digest) => {
      const bench = new Bench();
      const readA = async (): Promise<ReadResult> => ({ outcome: 'read', bytes: Buffer.from('a') });
      await expect(bench.restore([fileOf('a', 1, { sha256: digest })], readA)).rejects.toThrow(
        'has different contents',
      );
      expect(bench.kept.size).toBe(0);
    },
  );
});

describe('a restore that is cancelled', () => {
  it('rejects with the reason after all work has ended', async () => {
    const bench = new Bench();
    const restoring = bench.restore([fileOf('a', 20 * MIB), fileOf('b', 1)], forever);
    const failed = expect(restoring).rejects.toThrow('cancelled');
    while (bench.reads.length < 4) await setTimeout(5);
    bench.cancellation.abort(new Error('cancelled'));
    await failed;
    expect(bench.liveReads).toBe(0);
    expect(bench.openFiles).toBe(0);
    expect(bench.kept.size).toBe(0);
  });

  it('before it began sends no request', async () => {
    const bench = new Bench();
    bench.cancellation.abort(new Error('cancelled'));
    await expect(bench.restore([fileOf('a', 1)], nothing)).rejects.toThrow('cancelled');
    expect(bench.reads).toEqual([]);
  });
});
