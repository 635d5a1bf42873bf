import type { Mutant } from './mutant.ts';

// A set is a build of the commit and the code that it is filed under, whatever markers and records say.

export const PROVENANCE: readonly Mutant[] = [
  {
    guard: 'a record counts only at the key of its commit or code hash',
    text: ' ?? misplacement(record, location)',
    replacement: '',
  },
  {
    guard: "a fallback's set of another code hash does not count",
    text: 'if (isOtherCode(run, from, search.codeHash)) continue;',
    replacement: '',
  },
  {
    guard: "a fallback's set of another code hash does not count once it has been waited for",
    text: 'if (isUsable(settled, run.legacy) && !isOtherCode(run, settled, search.codeHash)) return settled;',
    replacement: 'if (isUsable(settled, run.legacy)) return settled;',
    rare: '__tests__/modes/check-waits.test.ts',
  },
  {
    guard: 'a promotion keeps the code hash of its source',
    text: "if (status.reason === 'complete') return status.record;",
    replacement: '',
    rare: '__tests__/modes/check-cache.test.ts',
  },
  {
    guard: 'a promotion of a set without a record names no code hash',
    text: 'codeHash: legacy ? undefined : codeHash,',
    replacement: 'codeHash,',
    rare: '__tests__/modes/check-cache.test.ts',
  },
  {
    guard: 'a set is cached only under the code that its record names',
    text: 'if (record?.codeHash === value) return true;',
    replacement: 'if (record !== undefined) return true;',
  },
  {
    guard: 'a set of unknown code is not cached',
    text: 'if (record?.codeHash === value) return true;',
    replacement: 'if (record !== undefined && (record.codeHash ?? value) === value) return true;',
  },
  {
    guard: 'only the sources of the wanted commit are hashed',
    text: 'if (head === commit) return;\n  const path',
    replacement: 'if (head === commit || head !== undefined) return;\n  const path',
    rare: '__tests__/modes/commit.test.ts',
  },
  {
    guard: 'a set that an earlier step found is looked up',
    text: 'if (!isUsable(lookup, request.legacy)) {',
    replacement: 'if (!isUsable(lookup, request.legacy) && request.dryRun) {',
  },
  {
    guard: 'a set that an earlier step found is of this commit',
    text: "location.id === (location.kind === 'artifact' ? own.id : (await findHash())?.value)",
    replacement: "location.kind === 'artifact' || location.id === (await findHash())?.value",
  },
  {
    guard: 'a build names no set under another prefix',
    within: 'isWanted',
    text: 'return location.recordKey === own.recordKey;',
    replacement: 'return location.id === own.id;',
  },
  {
    guard: 'a cached set that an earlier step found is of this code hash',
    text: "location.id === (location.kind === 'artifact' ? own.id : (await findHash())?.value)",
    replacement: "location.kind !== 'artifact' || location.id === own.id",
  },
  {
    guard: 'a build names no set of the cache under another prefix',
    text: 'return cached !== undefined && location.recordKey === cacheSet(request.prefix, cached.value).recordKey;',
    replacement: 'return cached !== undefined && location.id === cached.value;',
  },
  {
    guard: "a check's handover takes precedence over markers in the package directory",
    text: "if (handover !== undefined) return { kind: 'handover', handover, isOutOfReach: true };",
    replacement: '',
  },
  {
    guard: 'markers of another server, bucket or prefix do not count',
    text: 'value.endpoint === endpoint && value.asked === uriOf(bucket, own) ? value : undefined',
    replacement: 'value.endpoint !== bucket + uriOf(bucket, own) ? value : undefined',
    rare: '__tests__/asset-set/handover.test.ts',
  },
  {
    guard: "with keys, a build's code hash proves nothing",
    text: 'if (isOutOfReach || !store.requiresSignatures) return handed;',
    replacement: 'if (isOutOfReach || handed !== undefined) return handed;',
  },
  {
    guard: 'a code hash that was computed differently does not count',
    text: 'codeHashes.filter((other) => own === undefined || isSameRequest(other, own));',
    replacement: 'codeHashes.filter((other) => own === undefined || other !== own);',
    rare: '__tests__/modes/handover.test.ts',
  },
  {
    guard: 'a pattern that matches nothing is an error',
    text: "if (request.unmatchedPatterns === 'error')",
    replacement: "if (request.unmatchedPatterns === 'error' && fileCount < 0)",
    rare: '__tests__/code-hash/hash-checked-out.test.ts',
  },
  {
    guard: 'upload refuses names that no restore accepts or no key has room for',
    text: '  refuseBadPaths(ports.packages, { assets, locations: [location, ...cache] });\n',
    replacement: '',
    rare: '__tests__/modes/upload.test.ts',
  },
  {
    guard: "git's own files are not assets",
    text: "if (IN_GIT_FOLDER.test(path.replace(IGNORED_BY_HFS, ''))) return \"it leads into git's own files\";",
    replacement: '',
    rare: '__tests__/asset-set/asset-path.test.ts',
  },
  {
    guard: 'a key has room in each location of the set',
    text: 'locations: [location, ...cache] });',
    replacement: 'locations: [location, ...cache.slice(1)] });',
    rare: '__tests__/modes/upload.test.ts',
  },
  {
    guard: 'a promotion refuses paths that leave the set, or do not fit under its prefix',
    text: '  refuseBadPaths(files, { from: from.location, to: own.location });\n',
    replacement: '',
    rare: '__tests__/modes/check-cache.test.ts',
  },
];
