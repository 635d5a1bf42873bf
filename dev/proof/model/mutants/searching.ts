import type { Mutant } from './mutant.ts';

// Searching, promoting, waiting, filling the cache.

export const SEARCHING: readonly Mutant[] = [
  {
    guard: 'in-progress never goes on to the cache',
    text: 'if (isInProgress(own)) return miss({ own, codeHash });',
    replacement: '',
  },
  {
    guard: 'after a lost promotion, the winner is waited for',
    text: 'if (error instanceof RecordLostError) return afterLostRace(run, search);',
    replacement: '',
  },
  {
    guard: 'a cached set that contradicts its record is a miss',
    text: 'if (!(error instanceof SetChangedError) && !isArchived(error)) throw error;',
    replacement: 'throw error;',
  },
  {
    guard: 'a live record of another writer is waited for',
    text: 'if (leftMs <= 0) return lookups;',
    replacement: 'if (leftMs <= waitMs + PROMOTION_WAIT_MS) return lookups;',
  },
  {
    guard: 'a set elsewhere is waited for',
    text: 'while (inProgress.length > 0) {',
    replacement: 'while (inProgress.length > Number.MAX_SAFE_INTEGER) {',
  },
  {
    guard: 'a promotion is waited for in any case',
    text: "return record.origin.kind === 'cache' ? Math.max(waitMs, PROMOTION_WAIT_MS) : waitMs;",
    replacement: "return record.origin.kind === '' ? 0 : waitMs;",
  },
  {
    guard: 'the set is looked up again after each wait',
    text: 'await clock.sleep(Math.min(pauseMs, leftMs), signal);',
    replacement: 'await clock.sleep(leftMs, signal);\n    if (pauseMs > 0) return lookups;',
  },
  {
    guard: 'an upload does not begin while another is in progress',
    within: 'lookUpFinished',
    text: 'assertFinished(run, lookup);',
    replacement: '',
  },
  {
    guard: 'after a lost race, the winner is waited for and found',
    text: 'if (!plan.overwrite) return afterLostRace(run, plan, error);',
    replacement: 'if (!plan.overwrite) throw error;',
  },
  {
    guard: 'after a lost race, the winner has to be complete',
    text: '  if (!isUsable(lookup, request.legacy)) throw error;\n  await compare',
    replacement: '  await compare',
    rare: '__tests__/modes/upload.local.test.ts',
  },
  {
    guard: 'a complete set is not sent again',
    text: 'if (isUsable(lookup, run.legacy) && !overwrite) {',
    replacement: 'if (isUsable(lookup, run.legacy) && run.dryRun) {',
  },
  {
    guard: 'a build is compared with the stored set',
    text: '    await compareWithStored(run, plan, lookup);\n    log.info(',
    replacement: '    log.info(',
  },
  {
    guard: 'a build is compared with the set of a faster run',
    text: '  if (!isUsable(lookup, run.legacy)) throw error;\n  await compareWithStored(run, plan, lookup);',
    replacement: '  if (!isUsable(lookup, run.legacy)) throw error;',
  },
  {
    guard: 'another build of the same size is reported',
    text: 'if (digest === undefined || digest === sha256) return;',
    replacement: 'if (digest === undefined || digest !== undefined) return;',
  },
  {
    guard: 'a build with fewer files is reported',
    within: 'differingPath',
    text: 'stored.find(({ path }) => !built.has(path))',
    replacement: 'stored.find(() => false)',
  },
  {
    guard: 'a set without a planned path is refused',
    text: "  refuseMissing({ assets, stored, where, isRecorded: lookup.status.reason === 'complete' });\n",
    replacement: '',
  },
  {
    guard: 'the cache is filled with the recorded files, not with the listed ones',
    text: 'copyAssets(run, claim, { source, files: record.files, owner: { commit, codeHash }, targets })',
    replacement:
      'Promise.all(record.files.map(async (file) => ({ ...file, etag: (await run.store.head(source.prefix + file.path))?.etag ?? file.etag }))).then((files) => copyAssets(run, claim, { source, files, owner: { commit, codeHash }, targets }))',
  },
  {
    guard: 'a cache that is being written is left alone',
    text: "if (existing.status.reason === 'in-progress') {",
    replacement: "if (existing.status.reason === '') {",
  },
  {
    guard: 'a complete cache is left alone',
    text: "if (existing.status.reason === 'complete' && !overwrite) {",
    replacement: "if (existing.status.reason === '') {",
  },
  {
    guard: 'the cache takes over only the record it read',
    within: 'fill',
    text: 'takeOver: existing.record?.etag',
    replacement: 'takeOver: undefined',
  },
  {
    guard: 'a promotion takes over only the record it read',
    within: 'promote',
    text: 'takeOver: own.record?.etag',
    replacement: 'takeOver: undefined',
  },
];
