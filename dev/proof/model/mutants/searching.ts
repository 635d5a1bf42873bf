import type { Mutant } from './mutant.ts';

// Searching, promoting, waiting, filling the cache.

const FIND = 'src/asset-set/find.ts';
const UPLOAD = 'src/modes/upload.ts';
const FILL = 'src/asset-set/promote.ts';
const WAIT = 'src/asset-set/wait.ts';

export const SEARCHING: readonly Mutant[] = [
  {
    guard: 'in-progress never goes on to the cache',
    file: FIND,
    text: "if (own.verdict.reason === 'in-progress') return miss(own, codeHash);",
    replacement: '',
  },
  {
    guard: 'after a lost promotion, the winner is waited for',
    file: 'src/asset-set/find.ts',
    text: 'if (error instanceof RecordLostError) return afterLostRace(search, ports, adoption);',
    replacement: '',
  },
  {
    guard: 'a cache that changed behind its record is a miss',
    file: 'src/asset-set/find.ts',
    text: 'if (!(error instanceof SetChangedError) && !isArchived(error)) throw error;',
    replacement: 'throw error;',
  },
  {
    guard: 'a live record of another writer is waited for',
    file: WAIT,
    text: 'if (leftMs <= 0) return findings;',
    replacement: 'if (leftMs <= waitMs + PROMOTION_WAIT_MS) return findings;',
  },
  {
    guard: 'a set elsewhere is waited for',
    file: FIND,
    text: 'while (inProgress.length > 0) {',
    replacement: 'while (inProgress.length > Number.MAX_SAFE_INTEGER) {',
    rare: '__tests__/modes/check-waits.test.ts',
  },
  {
    guard: 'a promotion is waited for in any case',
    file: WAIT,
    text: "return record.origin.kind === 'cache' ? Math.max(waitMs, PROMOTION_WAIT_MS) : waitMs;",
    replacement: "return record.origin.kind === '' ? 0 : waitMs;",
  },
  {
    guard: 'the set is looked up again after each wait',
    file: WAIT,
    text: 'await clock.sleep(Math.min(pauseMs, leftMs), signal);',
    replacement: 'await clock.sleep(leftMs, signal);\n    if (pauseMs > 0) return findings;',
  },
  {
    guard: 'an upload does not begin while another is in progress',
    file: UPLOAD,
    text: "if (finding.verdict.reason !== 'in-progress') return finding;",
    replacement:
      "if (finding.verdict.reason.length > 0) return finding;\n  if (finding.verdict.reason !== 'in-progress') return finding;",
  },
  {
    guard: 'after a lost race, the winner is waited for and found',
    file: UPLOAD,
    text: 'if (!request.overwrite) return afterLostRace(plan, error);',
    replacement: 'if (!request.overwrite) throw error;',
  },
  {
    guard: 'after a lost race, the winner has to be complete',
    file: UPLOAD,
    text: '  if (!isUsable(finding, request.legacy)) throw error;\n  await compare',
    replacement: '  await compare',
    rare: '__tests__/modes/upload.local.test.ts',
  },
  {
    guard: 'a complete set is not sent again',
    file: UPLOAD,
    text: 'const isThere = isUsable(finding, request.legacy) && !request.overwrite;',
    replacement: 'const isThere = isUsable(finding, request.legacy) && request.dryRun;',
  },
  {
    guard: 'a set without a planned path is refused',
    file: UPLOAD,
    text: '    await compareWithStored(plan, finding);\n    ports.log.info(',
    replacement: '    ports.log.info(',
    redundant: 'no promise is about it: the job would go on with a set that lacks its file',
  },
  {
    guard: 'a set is cached only under the code that its record names',
    file: UPLOAD,
    text: 'if (record?.codeHash === value) return true;',
    replacement: 'if (record !== undefined) return true;',
  },
  {
    guard: 'the cache is filled with what the record says, not with what is there',
    file: FILL,
    text: 'copyAssets(ports, claim, { source, files: record.files, owner: { commit, codeHash }, targets, concurrency })',
    replacement:
      'Promise.all(record.files.map(async (file) => ({ ...file, etag: (await ports.store.head(source.prefix + file.path))?.etag ?? file.etag }))).then((files) => copyAssets(ports, claim, { source, files, owner: { commit, codeHash }, targets, concurrency }))',
  },
  {
    guard: 'a cache that is being written is left alone',
    file: FILL,
    text: "if (existing.verdict.reason === 'in-progress') {",
    replacement: "if (existing.verdict.reason === 'in-progress' && waitMs < 0) {",
  },
  {
    guard: 'a complete cache is left alone',
    file: FILL,
    text: "if (existing.verdict.reason === 'complete' && !overwrite) {",
    replacement: "if (existing.verdict.reason === '') {",
  },
  {
    guard: 'a complete cache is replaced where the set is overwritten',
    file: FILL,
    text: "if (existing.verdict.reason === 'complete' && !overwrite) {",
    replacement: "if (existing.verdict.reason === 'complete') {",
    rare: '__tests__/modes/upload.test.ts',
  },
  {
    guard: 'the code is not in the cache while its build is replaced',
    file: FILL,
    text: "if (verdict.reason === 'absent') return;",
    replacement: 'if (verdict.reason.length > 0) return;',
    rare: '__tests__/dist/whose-build.local.test.ts',
  },
  {
    guard: "a fallback's set of another code hash does not count",
    file: FIND,
    text: 'if (isOtherCode(from, codeHash, ports)) continue;',
    replacement: '',
    rare: '__tests__/modes/check-cache.test.ts',
  },
  {
    guard: 'a promotion keeps the code hash of its source',
    file: 'src/asset-set/promote.ts',
    text: "if (verdict.reason === 'complete') return verdict.record;",
    replacement: '',
    rare: '__tests__/modes/check-cache.test.ts',
  },
  {
    guard: 'the cache takes over only the record it read',
    file: FILL,
    text: 'takeOver: existing.record?.etag,',
    replacement: 'takeOver: undefined,',
  },
  {
    guard: 'a promotion takes over only the record it read',
    file: 'src/asset-set/promote.ts',
    text: 'takeOver: own.record?.etag,',
    replacement: 'takeOver: undefined,',
  },
];
