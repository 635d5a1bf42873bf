import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type AssetRecord, describeWriter, parseRecord } from '../../src/asset-set/record.ts';
import { UserError } from '../../src/errors.ts';
import { recordText } from '../asset-set/records.ts';
import { edited, edits, isPrintableLine, itHolds, troublesomeText } from './fuzzing.ts';

const WHERE = 's3://bucket/records/artifacts/x.json';
const WRITER = { nonce: 'n', sequence: 1, repository: 'o/r', runId: '1', runAttempt: '1', workflow: 'w', ref: 'r' };
const FILE = {
  path: 'app.zip',
  size: 3,
  sha256: 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=',
  etag: '"e"',
  contentType: 'application/zip',
  cacheControl: 'no-store',
  metadata: { a: 'b' },
  executable: true,
};
const UPLOADING = {
  schema: 's3-asset-manager/record/v1',
  state: 'uploading',
  commit: 'c'.repeat(40),
  codeHash: 'd'.repeat(64),
  codeHashAlgorithm: 'git-sha256',
  origin: { kind: 'cache', codeHash: 'd'.repeat(64), commit: 'c'.repeat(40), legacy: true },
  writer: WRITER,
  leaseSeconds: 120,
  createdAt: '2026-11-23T00:00:00.000Z',
};
const COMPLETE = { ...UPLOADING, state: 'complete', files: [FILE, { ...FILE, path: 'b' }], totalSize: 6 };

/** The path of a field, from the outside in. */
const PLACES = [
  ...Object.keys(COMPLETE).map((name) => [name]),
  ...Object.keys(UPLOADING.origin).map((name) => ['origin', name]),
  ...Object.keys(WRITER).map((name) => ['writer', name]),
  ...Object.keys(FILE).map((name) => ['files', '0', name]),
  ['files', '1'],
  ['files', '0', 'metadata', 'a'],
  ['files', '0', 'metadata', '__proto__'],
  ['__proto__'],
  ['origin', '__proto__'],
  ['writer', 'constructor'],
];
const VALUES = [
  ...[null, true, false, 0, -0, -1, 1.5, 1e9, 2 ** 53, 1e308, '', 'cache', 'complete', 'other', '..', '__proto__'],
  ...[[], {}, [null], { polluted: true }, { polluted: 'yes' }, { a: 1 }, { kind: 'cache' }, 'c'.repeat(40), 'a\nb'],
];

const change = fc.record({
  place: fc.constantFrom(...PLACES),
  value: fc.oneof(fc.constantFrom<unknown>(undefined, ...VALUES), troublesomeText()),
});
const record = fc.record({
  base: fc.constantFrom<object>(UPLOADING, COMPLETE),
  changes: fc.array(change, { maxLength: 3 }),
});
const PIECES = ['{', '}', '[', ']', '"', ',', ':', '\\', '\\u0000', '\\ud800', '\0', '\ufeff', '1e999', '-', '/**/'];
const text = fc.oneof(
  { weight: 6, arbitrary: record.map(({ base, changes }) => changed(base, changes)) },
  {
    weight: 3,
    arbitrary: fc.tuple(record, edits(PIECES)).map(([{ base, changes }, places]) => {
      return edited(changed(base, changes), places);
    }),
  },
  { weight: 1, arbitrary: fc.json({ maxDepth: 2, stringUnit: 'binary' }) },
  { weight: 1, arbitrary: troublesomeText(PIECES) },
);

/** `undefined` removes the field. */
function changed(base: object, changes: readonly { place: readonly string[]; value: unknown }[]): string {
  const copy: unknown = JSON.parse(JSON.stringify(base));
  for (const { place, value } of changes) put(copy, place, structuredClone(value));
  return JSON.stringify(copy);
}

function put(target: unknown, [name, ...rest]: readonly string[], value: unknown): void {
  if (typeof target !== 'object' || target === null || name === undefined) return;
  if (rest.length > 0) put(Object.getOwnPropertyDescriptor(target, name)?.value, rest, value);
  else if (value === undefined) Reflect.deleteProperty(target, name);
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

/** @returns undefined if it was refused, as it should be */
function parsed(body: string): AssetRecord | undefined {
  try {
    return parseRecord(body, WHERE);
  } catch (error) {
    if (!(error instanceof UserError) || !isPrintableLine(error.message)) throw error;
    return undefined;
  }
}

describe('reading records', () => {
  const prototype = Object.getOwnPropertyNames(Object.prototype).length;

  itHolds('gives a record that survives a round trip, or one line that refuses it', text, (body) => {
    const first = parsed(body);
    if (first === undefined) return;
    const stored = recordText(first);
    if (recordText(parseRecord(stored, WHERE)) !== stored) throw new Error(`It does not survive: ${stored}`);
    if (!isPrintableLine(describeWriter(first.writer))) throw new Error(`No line: ${describeWriter(first.writer)}`);
    if ('polluted' in {}) throw new Error('The prototype of every object was changed');
  });

  it('leaves the prototype of every object as it was', () => {
    expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(prototype);
  });

  it.each([
    ['brackets', '['.repeat(1_000_000)],
    ['objects', '{"a":'.repeat(1_000_000)],
    ['a deep field', `{"schema":"s3-asset-manager/record/v1","commit":${'['.repeat(1e6)}${']'.repeat(1e6)}}`],
    ['digits', `{"leaseSeconds":${'9'.repeat(5_000_000)}}`],
  ])('refuses millions of %s in a moment', (_, body) => {
    expect(parsed(body)).toBeUndefined();
  });
});
