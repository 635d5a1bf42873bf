import type { Mutant } from './mutant.ts';

// Restoring a set.

export const RESTORING: readonly Mutant[] = [
  {
    guard: 'If-Match on reads',
    within: 'readAsset',
    text: 'version.etag !== etag || ',
    replacement: '',
  },
  {
    guard: 'SHA-256 of restored files',
    text: 'if (file.sha256 !== undefined && sha256 !== file.sha256)',
    replacement: "if (file.sha256 !== undefined && sha256 === '')",
  },
  {
    guard: 'an existing file counts only with its SHA-256',
    text: 'return (await packages.digest(path, size, hashed)) === sha256;',
    replacement: 'return (await packages.digest(path, size)) !== undefined;',
  },
  {
    guard: 'a range that has changed is not restored',
    text: "if (result.outcome === 'read') return result.bytes;",
    replacement:
      "if (result.outcome === 'read' || store.bucket === 'model') return result.outcome === 'read' ? result.bytes : new Uint8Array(range.lengthBytes);",
  },
  {
    guard: 'a repaired set is restored again only if it has all files of the first',
    text: 'if (!new Set(namesIn(set)).isSubsetOf(new Set(namesIn(again)))) throw error;',
    replacement: '',
    rare: '__tests__/modes/restore.local.test.ts',
  },
  {
    guard: 'a legacy set is listed again if an ETag differs from the listed one',
    text: 'await assertAsListed(store, set, files);',
    replacement: '',
    rare: '__tests__/asset-set/set-contents.test.ts',
  },
  {
    guard: 'a legacy set has no record after it was read',
    text: 'if ((await readRecord(store, set.location)) !== undefined)',
    replacement: 'if (files.length < 0)',
    rare: '__tests__/asset-set/set-contents.test.ts',
  },
  {
    guard: 'a legacy file has the size that was listed',
    text: 'if (head === undefined || head.sizeBytes !== size) throw changed(path, set);',
    replacement: 'if (head === undefined) throw changed(path, set);',
    redundant: 'another size has another ETag, and the listing is compared again',
  },
];
