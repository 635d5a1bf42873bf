import type { Mutant } from './mutant.ts';

// Sealing, repairing, copying.

export const COMPLETING: readonly Mutant[] = [
  {
    guard: 'list after seal',
    within: 'completeSet',
    text: 'if (changed === undefined) {',
    replacement: 'if (changed === undefined || round > 0) {',
  },
  {
    guard: 'a set that the listing after the seal contradicts is repaired',
    within: 'completeSet',
    text: 'round <= MOST_ROUNDS',
    replacement: 'round <= 1',
  },
  {
    guard: 'a repair takes the record back first',
    text: 'await claim.reopen();',
    replacement: '',
  },
  {
    guard: 'multipart uploads are aborted only after a take-over',
    text: 'if (claim.isTakeOver) await',
    replacement: 'await',
  },
  {
    guard: 'the lease is asserted before multipart uploads are listed',
    within: 'abort',
    text: 'claim.assertLease();',
    replacement: '',
  },
  {
    guard: 'the lease is asserted before each multipart upload is aborted',
    text: '() => claim.assertLease()',
    replacement: '() => {}',
  },
  {
    guard: 'a failure releases the record',
    within: 'completeSet',
    text: 'await claim.release();',
    replacement: 'claim.end();',
  },
  {
    guard: 'a failure after the record was lost is reported as such',
    text: '(claim.loss ?? error)',
    replacement: 'error',
  },
  {
    guard: 'the record is released once no other write is in progress',
    text: 'await Promise.all(Array.from({ length: Math.min(limit, items.length) }, drain));',
    replacement:
      'const running = Array.from({ length: Math.min(limit, items.length) }, drain); for (const lane of running) if (failures.length === 0) await lane;',
  },
  {
    guard: 'the lease is asserted before each copy',
    within: 'copyAsset',
    text: 'claim.assertLease();',
    replacement: '',
  },
  {
    guard: 'CopySourceIfMatch',
    text: 'if (original?.etag !== source.etag) return',
    replacement: 'if (original === undefined) return',
  },
  {
    guard: 'a changed source of a copy fails the copy',
    text: "if (result.outcome !== 'copied')",
    replacement:
      "if (result.outcome === 'copied') return { ...file, etag: result.etag };\n    if (store.bucket !== '') return file;\n    if (store.bucket !== '')",
    redundant: 'the listing after the seal shows that the copy is not there',
  },
  {
    guard: 'If-None-Match: * on copies without an object in their place',
    text: "condition: targets.has(file.path) ? undefined : { kind: 'absent' }",
    replacement: 'condition: undefined',
    rare: '__tests__/modes/check.local.test.ts',
  },
  {
    guard: 'a copy onto an existing object asserts the lease by renewing it',
    within: 'copyAsset',
    text: 'await claim.renew();',
    replacement: '',
    rare: '__tests__/modes/check.local.test.ts',
  },
];
