import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CheckOptions } from '../../src/modes/check.ts';
import type { RunContext } from '../../src/run-context.ts';
import { OTHER_WRITER, type RecordFixture, Scenario, skippingClock } from '../support/scenario.ts';

// Other runs are writing sets that this check could use: in the cache, or under another prefix.

const CODE_HASH = 'c0de'.repeat(16);

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

const own = () => `records/artifacts/${scenario.head}.json`;
const CACHE = `records/cache/${CODE_HASH}.json`;
const fallback = () => `main/${own()}`;

function begin(key: string, record: RecordFixture = {}): Promise<void> {
  return scenario.putRecord({ codeHash: CODE_HASH, ...record }, key);
}

/** Completes the set that another run has begun. */
async function seal(key: string): Promise<void> {
  const prefix = key.replace('records/', '').replace('.json', '/');
  await scenario.storeSet({ 'app.zip': 'app' }, { prefix, recordKey: key });
}

/** Checks while others go on; `onPause` gets the number of pauses so far. */
async function check(overrides: Partial<CheckOptions & RunContext>, onPause: (count: number) => unknown = () => {}) {
  let pausedMs = 0;
  let count = 0;
  const clock = skippingClock(async (durationMs) => {
    pausedMs += durationMs;
    count += 1;
    await onPause(count);
  });
  const codeHash = { kind: 'given', value: CODE_HASH } as const;
  const outcome = await scenario.check({ codeHash, ...overrides }, { clock });
  return { ...outcome, pausedMs };
}

describe('a check with time to wait', () => {
  it('waits for the cache that another run is filling', async () => {
    await begin(CACHE);
    const outcome = await check({ waitMs: 60_000 }, (count) => (count === 3 ? seal(CACHE) : undefined));
    expect(outcome).toMatchObject({ found: true, source: 'cache', reason: 'complete', files: [{ path: 'app.zip' }] });
    expect(scenario.log).toContainEqual(
      expect.stringMatching(`^Waiting up to 60 s for run 77 .*, which is writing cache/${CODE_HASH}/[.]$`),
    );
  });

  it('waits for a set under a fallback prefix', async () => {
    await begin(fallback());
    const search = { fallbackPrefixes: ['main'], waitMs: 60_000 };
    const outcome = await check(search, (count) => (count === 2 ? seal(fallback()) : undefined));
    expect(outcome).toMatchObject({ found: true, source: 'artifact', reason: 'complete' });
  });

  it('does not use a set it has waited for if that is of other code', async () => {
    await scenario.putRecord({}, fallback());
    const prefix = `main/artifacts/${scenario.head}/`;
    const other = { prefix, recordKey: fallback(), codeHash: 'd'.repeat(64) };
    const search = { fallbackPrefixes: ['main'], waitMs: 60_000 };
    const outcome = await check(search, (count) =>
      count === 2 ? scenario.storeSet({ 'app.zip': 'app' }, other) : undefined,
    );
    expect(outcome).toMatchObject({ found: false, reason: 'absent' });
  });

  it('uses the set that is sealed first', async () => {
    await begin(CACHE);
    await begin(fallback(), { writer: { ...OTHER_WRITER, nonce: 'main', runId: '78' } });
    const search = { fallbackPrefixes: ['main'], waitMs: 60_000 };
    const outcome = await check(search, (count) => (count === 2 ? seal(fallback()) : undefined));
    expect(outcome).toMatchObject({ found: true, source: 'artifact' });
  });

  it('keeps waiting for the others after one is left unfinished', async () => {
    await begin(CACHE);
    await begin(fallback());
    const search = { fallbackPrefixes: ['main'], waitMs: 60_000 };
    const outcome = await check(search, async (count) => {
      if (count === 2) await begin(CACHE, { leaseSeconds: 0 });
      if (count === 4) await seal(fallback());
    });
    expect(outcome).toMatchObject({ found: true, source: 'artifact' });
    expect(scenario.log).toContainEqual(expect.stringContaining('was begun and not finished'));
  });

  it('does not wait if another usable set already exists', async () => {
    await begin(CACHE);
    await seal(fallback());
    const outcome = await check({ fallbackPrefixes: ['main'], waitMs: 60_000 });
    expect(outcome).toMatchObject({ found: true, source: 'artifact', pausedMs: 0 });
  });

  it('waits no longer for several sets than for one', async () => {
    await begin(own());
    await begin(CACHE);
    const outcome = await check({ waitMs: 60_000 }, (count) =>
      count === 5 ? scenario.bucket.delete(own()) : undefined,
    );
    expect(outcome).toMatchObject({ found: false, reason: 'absent' });
    expect(outcome.pausedMs).toBeGreaterThan(59_000);
    expect(outcome.pausedMs).toBeLessThanOrEqual(60_000);
  });

  it('uses the set of the commit itself if another run has stored it meanwhile', async () => {
    await begin(CACHE);
    const outcome = await check({ waitMs: 60_000 }, async (count) => {
      if (count === 2) await seal(own());
      if (count === 3) await seal(CACHE);
    });
    expect(outcome).toMatchObject({ found: true, source: 'artifact', reason: 'complete' });
  });
});

describe('a check without time to wait', () => {
  it('misses at once', async () => {
    await begin(CACHE);
    expect(await check({})).toMatchObject({ found: false, reason: 'absent', pausedMs: 0 });
    expect(scenario.log).toContainEqual(
      expect.stringMatching(`^run 77 .* is still writing cache/${CODE_HASH}/: a greater wait-timeout-seconds`),
    );
  });

  it('waits 15 s for a promotion under a fallback prefix', async () => {
    await begin(fallback(), { origin: { kind: 'cache' } });
    const outcome = await check({ fallbackPrefixes: ['main'] });
    expect(outcome).toMatchObject({ found: false });
    expect(outcome.pausedMs).toBeGreaterThan(14_000);
    expect(outcome.pausedMs).toBeLessThanOrEqual(15_000);
  });
});
