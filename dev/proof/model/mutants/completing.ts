import type { Mutant } from './mutant.ts';

// Sealing, repairing, copying.

const COMPLETE = 'src/asset-set/complete.ts';
const BUCKET = 'dev/proof/model/bucket.ts';

export const COMPLETING: readonly Mutant[] = [
  {
    guard: 'list after seal',
    file: COMPLETE,
    text: 'if (changed === undefined) {',
    replacement: 'if (changed === undefined || round > 0) {',
  },
  {
    guard: 'a set is repaired that the listing after the seal does not bear out',
    file: COMPLETE,
    text: 'const MOST_ROUNDS = 3;',
    replacement: 'const MOST_ROUNDS = 1;',
  },
  {
    guard: 'a repair takes the record back first',
    file: COMPLETE,
    text: 'await claim.reopen();',
    replacement: '',
  },
  {
    guard: 'multipart uploads are aborted only after a take-over',
    file: COMPLETE,
    text: 'if (claim.isTakeOver) await',
    replacement: 'await',
  },
  {
    guard: 'the hold is asserted before multipart uploads are looked for',
    file: COMPLETE,
    text: '    claim.assertHeld();\n    // A list',
    replacement: '    // A list',
  },
  {
    guard: 'the hold is asserted before each multipart upload is aborted',
    file: COMPLETE,
    text: '() => claim.assertHeld()',
    replacement: '() => {}',
  },
  {
    guard: 'a failure gives the record up',
    file: COMPLETE,
    text: 'await claim.giveUp();',
    replacement: 'claim.end();',
  },
  {
    guard: 'a failure after the record was lost is told as that',
    file: COMPLETE,
    text: '(claim.loss ?? error)',
    replacement: 'error',
  },
  {
    guard: 'the record is given up once no other write is under way',
    file: 'src/async.ts',
    text: 'for (const lane of running) await lane;',
    replacement: 'for (const lane of running) if (failures.length === 0) await lane;',
  },
  {
    guard: 'the hold is asserted before each copy',
    file: 'src/asset-set/copy.ts',
    text: '    claim.assertHeld();\n',
    replacement: '',
  },
  {
    guard: 'CopySourceIfMatch',
    file: BUCKET,
    text: 'if (original?.etag !== source.etag) return',
    replacement: 'if (original === undefined) return',
  },
  {
    guard: 'a changed source of a copy fails the copy',
    file: 'src/asset-set/copy.ts',
    text: "if (result.outcome !== 'copied')",
    replacement:
      "if (result.outcome === 'copied') return { ...file, etag: result.etag };\n    if (store.bucket !== '') return file;\n    if (store.bucket !== '')",
    redundant: 'the listing after the seal shows that the copy is not there',
  },
  {
    guard: 'If-None-Match: * on copies to where nothing is',
    file: 'src/asset-set/copy.ts',
    text: "condition: targets === undefined || targets.has(file.path) ? undefined : { kind: 'absent' },",
    replacement: 'condition: undefined,',
    rare: '__tests__/modes/check.local.test.ts',
  },
  {
    guard: 'a copy that something is in the way of asserts the hold by renewing it',
    file: 'src/asset-set/copy.ts',
    text: '    await claim.renew();\n',
    replacement: '',
    rare: '__tests__/modes/check.local.test.ts',
  },
];
