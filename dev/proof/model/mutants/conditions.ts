import type { Mutant } from './mutant.ts';

// The conditions that the store checks; the model answers as the S3 adapter does.

export const CONDITIONS: readonly Mutant[] = [
  {
    guard: 'If-None-Match: * on what is to be new (begin, assets)',
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
    guard: 'If-Match where an asset is replaced',
    text: "return current.etag === condition.etag ? undefined : 'precondition-failed';",
    replacement:
      "return current.etag === condition.etag || !key.startsWith('records/') ? undefined : 'precondition-failed';",
  },
  {
    guard: 'the condition on Complete',
    text: 'replacing(line, { key, condition }, () => bucket.complete(upload, condition))',
    replacement:
      "replacing(line, { key, condition }, () => {\n      const etag = bucket.objects.get(key)?.etag;\n      return bucket.complete(upload, etag === undefined ? { kind: 'absent' } : { kind: 'unchanged', etag });\n    })",
  },
  {
    guard: 'a Complete that finds no upload looks at the object',
    text: 'const settled = result ?? (await afterLostComplete(line, put));',
    replacement: "const settled = result ?? { outcome: 'precondition-failed' as const };",
    redundant: 'storeAsset looks at the object as well, and finds it there',
  },
  {
    guard: 'a Complete that finds no upload takes only its own object for written',
    text: 'const isOurs = head?.sizeBytes === sizeBytes && isDeepStrictEqual(head.metadata, attributes.metadata);',
    replacement: 'const isOurs = isDeepStrictEqual(sizeBytes, attributes.metadata) || true;',
  },
  {
    guard: 'a refused Complete aborts its upload',
    text: "if (settled.outcome !== 'written') await discard(line, key, id);",
    replacement: '',
  },
  {
    guard: 'a failure aborts its upload',
    text: '    await discard(line, key, id);\n    throw error;',
    replacement: '    throw error;',
  },
];
