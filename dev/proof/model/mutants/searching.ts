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
    guard: 'a build is compared with the set that is there',
    file: UPLOAD,
    text: '    await compareWithStored(plan, finding);\n    ports.log.info(',
    replacement: '    ports.log.info(',
  },
  {
    guard: 'a build is compared with the set of who was faster',
    file: UPLOAD,
    text: '  if (!isUsable(finding, request.legacy)) throw error;\n  await compareWithStored(plan, finding);',
    replacement: '  if (!isUsable(finding, request.legacy)) throw error;',
  },
  {
    guard: 'another build of the same size is told',
    file: 'src/asset-set/plan.ts',
    text: 'if (digest === undefined || digest === sha256) return;',
    replacement: 'if (digest === undefined || digest !== undefined) return;',
  },
  {
    guard: 'a build with fewer files is told',
    file: 'src/asset-set/plan.ts',
    text: 'if (missing !== undefined) return missing.path;',
    replacement: '',
  },
  {
    guard: 'a set without a planned path is refused',
    file: UPLOAD,
    text: "  refuseMissing({ assets, stored, where, isRecorded: finding.verdict.reason === 'complete' });\n",
    replacement: '',
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
