import type { Mutant } from './mutant.ts';

// Overwriting: every byte is sent, nobody gets a replaced build, and metadata proves nothing about objects of a sealed set.

export const OVERWRITING: readonly Mutant[] = [
  {
    guard: 'with overwrite, a complete set does not count',
    text: 'if (isUsable(lookup, run.legacy) && !overwrite) {',
    replacement: 'if (isUsable(lookup, run.legacy)) {',
  },
  {
    guard: 'with overwrite, a set that an earlier step found does not count',
    text: 'const marked = options.overwrite ? undefined : await uploadMarked(run, marks);',
    replacement: 'const marked = await uploadMarked(run, marks);',
  },
  {
    guard: 'with overwrite, no existing object counts as sent',
    text: 'const counts = !evidence.overwrite && !store.requiresSignatures;',
    replacement: 'const counts = !store.requiresSignatures;',
  },
  {
    guard: 'with overwrite, no existing large object counts as sent',
    text: 'trustsMetadata: !store.requiresSignatures && !evidence.overwrite && evidence.sealed === undefined,',
    replacement: 'trustsMetadata: !store.requiresSignatures && evidence.sealed === undefined,',
    rare: '__tests__/modes/upload.local.test.ts',
  },
  {
    guard: 'with overwrite, a lost race is waited for, and the set is replaced',
    text: 'if (!plan.overwrite) return afterLostRace(run, plan, error);',
    replacement: 'return afterLostRace(run, plan, error);',
  },
  {
    guard: 'with overwrite, a lost race does not fail',
    text: 'const MOST_OVERWRITES = 5;',
    replacement: 'const MOST_OVERWRITES = 1;',
  },
  {
    guard: 'the code is not in the cache while its build is replaced',
    text: 'if (overwrite) await withdrawReplaced(run, plan, lookup);',
    replacement: '',
  },
  {
    guard: 'an unfinished set in the cache is withdrawn too',
    text: "if (status.reason === 'absent') return;",
    replacement: "if (status.reason !== 'complete' && status.reason !== 'legacy') return;",
    rare: '__tests__/modes/upload.local.test.ts',
  },
  {
    guard: 'a cache that is being written is waited for before it is withdrawn',
    text: 'const { status, record } = await lookUpFinished(run, location);',
    replacement:
      "const { status, record } = await lookUpSettled(run, location);\n  if (status.reason === 'in-progress') return;",
  },
  {
    guard: 'a complete cache is replaced if the set is overwritten',
    text: "if (existing.status.reason === 'complete' && !overwrite) {",
    replacement: "if (existing.status.reason === 'complete') {",
  },
  {
    guard: 'a cache that is being written is waited for, and replaced',
    text: 'overwrite ? await lookUpFinished(run, location) : await lookUpSettled(run, location, 0)',
    replacement: 'await lookUpSettled(run, location, 0)',
    rare: '__tests__/modes/upload.local.test.ts',
  },
  {
    guard: 'the code of the replaced set is withdrawn from the cache too',
    text: 'if (replaced?.codeHash !== undefined && replaced.codeHash !== codeHash?.value)',
    replacement: 'if (replaced?.codeHash !== undefined && replaced.codeHash === undefined)',
  },
  {
    guard: 'metadata proves nothing about an object that replaced a sealed one',
    text: 'if (sealed === undefined) return sha256Of(head);',
    replacement: 'if (sealed === undefined || sealed !== undefined) return sha256Of(head);',
  },
  {
    guard: 'metadata proves nothing about a large object that replaced a sealed one',
    text: 'trustsMetadata: !store.requiresSignatures && !evidence.overwrite && evidence.sealed === undefined,',
    replacement: 'trustsMetadata: !store.requiresSignatures && !evidence.overwrite,',
    rare: '__tests__/modes/upload.local.test.ts',
  },
  {
    guard: 'sealedBefore: a set that was complete is known as such after an interrupted upload',
    text: 'sealedBefore: sealed && true',
    replacement: 'sealedBefore: undefined',
    rare: '__tests__/modes/upload.test.ts',
  },
  {
    guard: 'sealedBefore is kept by a run that takes over an interrupted one',
    text: "return found.record?.state === 'uploading' ? found.record.sealedBefore === true : true;",
    replacement: "return found.record?.state !== 'uploading';",
    rare: '__tests__/modes/upload.test.ts',
  },
  {
    guard: 'sealedBefore: a set under repair was complete',
    text: 'this.#wasSealed = true;',
    replacement: '',
    rare: '__tests__/asset-set/complete-set.local.test.ts',
  },
  {
    guard: 'sealedBefore: a set that was complete is known as such after an interrupted promotion',
    text: 'sealedBefore: wasSealed(own) || undefined',
    replacement: 'sealedBefore: undefined',
    rare: '__tests__/modes/check-cache.test.ts',
  },
  {
    guard: 'a set whose record was deleted may have been complete',
    text: "if (found === undefined) return status.reason === 'incomplete';",
    replacement: 'if (found === undefined) return status.reason.length < 0;',
    rare: '__tests__/asset-set/look-up.test.ts',
  },
  {
    guard: 'an archived object is sent again',
    within: 'storeAsset',
    text: '!head.isArchived && ',
    replacement: '',
  },
];
