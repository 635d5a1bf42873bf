import { createHash } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { restoreSet } from '../../src/asset-set/download.ts';
import { artifactSet } from '../../src/asset-set/location.ts';
import type { Lookup } from '../../src/asset-set/lookup.ts';
import type { CompleteRecord } from '../../src/asset-set/record.ts';
import { systemClock, systemRandom } from '../../src/host/system.ts';
import { packageDirectory } from '../../src/package-directory/package-directory.ts';
import { Progress } from '../../src/progress.ts';
import type { RunContext } from '../../src/run-context.ts';
import { SILENT } from '../package-directory/packages.ts';
import { storeAt } from '../s3/stores.ts';
import { closedSources } from '../support/scenario.ts';

// A set so large that anything but linear work would show. Store and disk answer at once.

const BYTES = Buffer.from('x');
const SHA256 = createHash('sha256').update(BYTES).digest('base64');
const LOCATION = artifactSet('', 'c'.repeat(40));
const COUNT = 100_000;

function paths(): string[] {
  return Array.from({ length: COUNT }, (_, index) => `folder-${index % 1000}/sub/file-${index}.txt`);
}

function findingOf(record: CompleteRecord): Lookup {
  const listing = new Map(Array.from(record.files, ({ path, size, etag }) => [path, { size, etag }]));
  return { location: LOCATION, status: { reason: 'complete', record }, record: undefined, listing, isPaged: true };
}

function runThatKeeps(kept: string[]): RunContext {
  const receive = async (path: string) => ({
    write: async () => {},
    digest: async () => '',
    keep: async () => void kept.push(path),
    [Symbol.asyncDispose]: async () => {},
  });
  const readAsset = async () => ({ outcome: 'read', bytes: BYTES }) as const;
  return {
    store: { ...storeAt({ url: 'http://127.0.0.1:1' }), readAsset },
    packages: { ...packageDirectory('not-there', SILENT), digest: async () => undefined, receive },
    jobFiles: undefined,
    sources: closedSources(),
    clock: systemClock,
    random: systemRandom,
    log: SILENT,
    signal: new AbortController().signal,
    commit: { asked: LOCATION.id, context: undefined, repositoryIsGiven: false },
    codeHash: undefined,
    prefix: '',
    fallbackPrefixes: [],
    access: 'read-write',
    legacy: 'trust',
    dryRun: false,
    waitMs: 0,
    concurrency: 16,
    explain: false,
    baselines: {},
    writer: {},
    progress: new Progress({ clock: systemClock, log: SILENT }),
  };
}

it('a set of 100,000 files is restored in linear time', async () => {
  const files = paths().map((path) => ({ path, size: 1, etag: '"e"', sha256: SHA256 }));
  const record: CompleteRecord = {
    state: 'complete',
    commit: LOCATION.id,
    origin: { kind: 'upload' },
    writer: { nonce: 'n', sequence: 1 },
    leaseSeconds: 0,
    files,
    totalSize: 1,
  };
  const kept: string[] = [];
  const startedMs = performance.now();
  const restored = await restoreSet(runThatKeeps(kept), findingOf(record), {
    isChosen: () => true,
    unmatchedBy: () => [],
    naming: 'other',
  });
  expect(performance.now() - startedMs).toBeLessThan(15_000);
  expect(restored.fetchedCount).toBe(COUNT);
  expect(kept).toHaveLength(COUNT);
});
