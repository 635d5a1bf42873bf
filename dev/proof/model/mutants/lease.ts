import type { Mutant } from './mutant.ts';

// When a lease has lapsed.

export const LEASE: readonly Mutant[] = [
  {
    guard: 'a live lease is respected',
    text: 'return ageMs <= (record.leaseSeconds + LEASE_SLACK_SECONDS) * 1000;',
    replacement: 'return false;',
  },
  {
    guard: 'a lapsed lease blocks nobody',
    text: 'return ageMs <= (record.leaseSeconds + LEASE_SLACK_SECONDS) * 1000;',
    replacement: 'return true;',
  },
  {
    guard: 'slack on the lease',
    text: 'const LEASE_SLACK_SECONDS = 5;',
    replacement: 'const LEASE_SLACK_SECONDS = -1;',
  },
  {
    guard: 'a released record blocks nobody',
    text: 'if (record.leaseSeconds === 0) return false;',
    replacement: '',
    rare: '__tests__/asset-set/status.test.ts',
  },
  {
    guard: "a lease from the future lapses by the waiting run's clock",
    text: 'return isLive ? lookup : { ...lookup, status: unfinished(record) };',
    replacement: 'return isLive ? lookup : { ...lookup };',
  },
  {
    guard: 'the age of a record is Date less Last-Modified',
    text: 'ageMs: dateMs - lastModifiedMs }',
    replacement: 'ageMs: dateMs }',
  },
  {
    guard: 'only an earlier attempt is known to have ended',
    text: 'return Number(writer.runAttempt) < Number(reader.runAttempt);',
    replacement: 'return true;',
  },
  {
    guard: 'only an attempt of the same run is known to have ended',
    text: 'if (writer.repository !== reader.repository || writer.runId !== reader.runId) return false;',
    replacement: '',
  },
  {
    guard: 'an earlier attempt of the same run is known to have ended',
    text: 'if (isEarlierAttempt(record.writer, reader)) return false;',
    replacement: '',
  },
];
