import type { Mutant } from './mutant.ts';

// The conditions that the store checks, and how the adapter handles its answers.

export const CONDITIONS: readonly Mutant[] = [
  {
    guard: 'If-None-Match: * on new objects (begin, assets)',
    text: "return current === undefined ? undefined : 'precondition-failed';",
    replacement: 'return undefined;',
  },
  {
    guard: 'If-None-Match: * at begin',
    text: "return current === undefined ? undefined : 'precondition-failed';",
    replacement: "return current === undefined || key.startsWith('records/') ? undefined : 'precondition-failed';",
  },
  {
    guard: 'If-None-Match: * on assets',
    text: "return current === undefined ? undefined : 'precondition-failed';",
    replacement: "return current === undefined || !key.startsWith('records/') ? undefined : 'precondition-failed';",
  },
  {
    guard: 'If-Match at renew, seal and take-over',
    text: "return current.etag === condition.etag ? undefined : 'precondition-failed';",
    replacement:
      "return current.etag === condition.etag || key.startsWith('records/') ? undefined : 'precondition-failed';",
  },
  {
    guard: 'If-Match when an asset is replaced',
    text: "return current.etag === condition.etag ? undefined : 'precondition-failed';",
    replacement:
      "return current.etag === condition.etag || !key.startsWith('records/') ? undefined : 'precondition-failed';",
  },
  {
    guard: 'the condition on Complete',
    text: 'requests.complete({ upload, parts, condition: checked, sizeBytes })',
    replacement: 'requests.complete({ upload, parts, condition: undefined, sizeBytes })',
  },
  {
    guard: 'a refused Complete is reported as such',
    text: "if (isPreconditionFailure(error)) return { outcome: 'precondition-failed' };\n      if (causeName(error) === 'NoSuchKey' &&",
    replacement: "if (causeName(error) === 'NoSuchKey' &&",
  },
  {
    guard: 'a Complete that finds no upload looks at the object',
    text: "if (!asset.trustsMetadata) return { outcome: 'precondition-failed' };",
    replacement: "if (asset !== undefined) return { outcome: 'precondition-failed' };",
    redundant: 'storeAsset looks at the object too, and finds it',
  },
  {
    guard: 'after a Complete that finds no upload, only its own object counts as written',
    text: 'const isOurs = found?.sizeBytes === asset.sizeBytes && isDeepStrictEqual(found.metadata, asset.attributes.metadata);',
    replacement: 'const isOurs = isDeepStrictEqual(asset.sizeBytes, found?.metadata) || true;',
  },
  {
    guard: 'a refused Complete aborts its upload',
    text: "if (result.outcome !== 'written') await discard(requests, upload);",
    replacement: '',
  },
  {
    guard: 'a failure aborts its upload',
    text: '    await discard(requests, upload);\n    throw error;',
    replacement: '    throw error;',
  },
];
