import type { Mutant } from './mutant.ts';

// Sending assets.

export const SENDING: readonly Mutant[] = [
  {
    guard: 'the lease is asserted before each put',
    text: '  claim.assertLease();\n  if (listedEtag === undefined) {',
    replacement: '  if (listedEtag === undefined) {',
  },
  {
    guard: 'the lease is asserted before each replacement',
    text: '    replaceable = head?.etag;\n    claim.assertLease();',
    replacement: '    replaceable = head?.etag;',
  },
  {
    guard: 'the lease is asserted before Complete',
    text: '    await claim.renew();\n    claim.assertLease();\n  };',
    replacement: '    await claim.renew();\n  };',
  },
  {
    guard: 'the lease is renewed before Complete',
    text: '    await claim.renew();\n    claim.assertLease();\n  };',
    replacement: '    claim.assertLease();\n  };',
    redundant: 'it makes it rare that a Complete arrives after a take-over; its condition makes that harmless',
  },
  {
    guard: 'the lease is renewed and asserted before Complete',
    text: '    await claim.renew();\n    claim.assertLease();\n  };',
    replacement: '  };',
  },
  {
    guard: 'the lease is asserted before each part',
    text: '    claim.assertLease();\n    return open.read(...range);',
    replacement: '    return open.read(...range);',
    redundant: 'parts are not an object yet: the lease is asserted again before Complete',
  },
  {
    guard: 'the lease is renewed before an object with a newly seen ETag is replaced',
    text: 'if (head !== undefined && head.etag !== replaceable) await claim.renew();',
    replacement: '',
  },
  {
    guard: 'an existing object counts as sent only with the same size and SHA-256',
    text: 'return head.sizeBytes === file.size && sha256 === file.sha256 && hasAttributes(head, attributes);',
    replacement: 'return true;',
  },
  {
    guard: 'an existing object counts as sent only with the same SHA-256',
    text: 'return head.sizeBytes === file.size && sha256 === file.sha256 && hasAttributes(head, attributes);',
    replacement: 'return head.sizeBytes === file.size;',
  },
  {
    guard: 'an object with the same bytes counts as sent',
    text: 'return head.sizeBytes === file.size && sha256 === file.sha256 && hasAttributes(head, attributes);',
    replacement: 'return false;',
    redundant: 'it only saves bytes: without it, every resumed run sends everything again',
  },
  {
    guard: 'an object with other bytes is replaced',
    text: "head === undefined ? { kind: 'absent' } : { kind: 'unchanged', etag: head.etag };",
    replacement: "head === undefined ? { kind: 'absent' } : { kind: 'absent' };",
  },
  {
    guard: 'each part that is sent has the bytes that were hashed',
    text: "const checksum = asset.partChecksums[part.number - 1] ?? '';",
    replacement: "const checksum = process.getBuiltinModule('node:crypto').hash('sha256', bytes, 'base64');",
  },
];
