import { describe, expect, it } from '@jest/globals';
import { type AssetRecord, describeWriter, parseRecord, recordText } from '../../src/asset-set/record.ts';
import { UserError } from '../../src/errors.ts';
import { assetFile, CODE_HASH, COMMIT, completeRecord, uploadingRecord } from './records.ts';

const WHERE = 's3://bucket/records/artifacts/c1.json';
const ADVICE = 'find out who wrote it, and delete it to start anew';

type Json = Readonly<Record<string, unknown>>;

/** A record as stored, with some fields replaced; an undefined field is left out. */
function stored(overrides: Json = {}, record: AssetRecord = completeRecord([assetFile('a.zip')])): string {
  return JSON.stringify({ ...JSON.parse(recordText(record)), ...overrides });
}

function roundTrip(record: AssetRecord): AssetRecord {
  return parseRecord(recordText(record), WHERE);
}

describe('a record in pieces', () => {
  it('is one JSON object', () => {
    const files = [assetFile('a"'), assetFile('ä')];
    const record = completeRecord(files, { codeHash: CODE_HASH });
    const { state, commit, codeHash, origin, writer, leaseSeconds, totalSize } = record;
    const schema = 's3-asset-manager/record/v1';
    const whole = { schema, state, commit, codeHash, origin, writer, leaseSeconds, files, totalSize };
    expect(recordText(record)).toBe(JSON.stringify(whole));
  });
});

describe('a record', () => {
  it('comes back as it was stored, with every optional field', () => {
    const record = completeRecord(
      [
        assetFile('a.zip', { contentType: 'application/zip', cacheControl: 'no-cache', metadata: { team: 'a' } }),
        assetFile('b.sh', { executable: true }),
        { path: 'c', size: 0, etag: '"e3"' },
      ],
      {
        codeHash: CODE_HASH,
        codeHashAlgorithm: 'git-sha256',
        sources: 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=',
        buildSeconds: 372,
        origin: { kind: 'cache', codeHash: CODE_HASH, commit: COMMIT, legacy: true },
        builder: { runId: '0', runNumber: '75', url: 'https://example.com/runs/0' },
        writer: {
          nonce: 'n1',
          sequence: 3,
          repository: 'o/r',
          runId: '1',
          runAttempt: '2',
          workflow: 'w',
          ref: 'refs/heads/main',
          version: '1.0.0',
        },
        createdAt: '2026-11-23T00:00:00.000Z',
      },
    );
    expect(roundTrip(record)).toEqual(record);
  });

  it.each([-1, 0.5, 604_801, 1e308, '372', null, {}, true])('has no build time if that is %j', (buildSeconds) => {
    expect(parseRecord(stored({ buildSeconds }), WHERE)).not.toHaveProperty('buildSeconds');
  });

  it.each([
    [null, undefined],
    ['run 7', undefined],
    [[], undefined],
    [{ runId: 7, url: 'u'.repeat(501), nonce: 'n', workflow: 'Build' }, { workflow: 'Build' }],
    [
      { __proto__: null, runId: '7', ref: 'r'.repeat(500) },
      { runId: '7', ref: 'r'.repeat(500) },
    ],
  ])('has of a builder %j only what may be copied again', (builder, expected) => {
    expect(parseRecord(stored({ builder }), WHERE)).toEqual(
      completeRecord([assetFile('a.zip')], { ...(expected && { builder: expected }) }),
    );
  });

  it('comes back as it was stored, with required fields only', () => {
    const least = {
      commit: COMMIT,
      origin: { kind: 'upload' },
      writer: { nonce: 'n1', sequence: 0 },
      leaseSeconds: 0,
    } as const;
    for (const record of [
      { state: 'uploading', ...least },
      { state: 'complete', ...least, files: [], totalSize: 0 },
    ] as const)
      expect(roundTrip(record)).toStrictEqual(record);
  });

  it('is stored in the form that protocol.md documents', () => {
    const record = completeRecord([assetFile('a.zip')], { codeHash: CODE_HASH, codeHashAlgorithm: 'git-sha256' });
    expect(JSON.parse(recordText(record))).toEqual({
      schema: 's3-asset-manager/record/v1',
      state: 'complete',
      commit: COMMIT,
      codeHash: CODE_HASH,
      codeHashAlgorithm: 'git-sha256',
      origin: { kind: 'upload' },
      writer: { nonce: 'n1', sequence: 1, repository: 'owner/repository', runId: '7', runAttempt: '2' },
      leaseSeconds: 120,
      files: [{ path: 'a.zip', size: 3, sha256: 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=', etag: '"e1"' }],
      totalSize: 3,
    });
  });

  it('has no files while it is uploading', () => {
    expect(JSON.parse(recordText(uploadingRecord()))).not.toHaveProperty('files');
  });

  it('remembers, while it is uploading, that the set was complete before', () => {
    expect(roundTrip(uploadingRecord({ sealedBefore: true }))).toEqual(uploadingRecord({ sealedBefore: true }));
  });

  it('is stored with its files sorted by the UTF-8 bytes of their paths', () => {
    const inOrder = ['A', 'a', 'a-b', 'a/b', 'é', 'ａ', '😀'];
    const record = completeRecord(inOrder.toReversed().map((path) => assetFile(path)));
    expect(JSON.parse(recordText(record)).files.map(({ path }: Json) => path)).toEqual(inOrder);
  });

  it('is the same text for the same content, so that a writer recognizes its own', () => {
    const files = [assetFile('a'), assetFile('b')];
    expect(recordText(completeRecord(files.toReversed()))).toBe(recordText(completeRecord(files)));
  });
});

describe('a record of a later version', () => {
  it('is read without the fields that this version does not know', () => {
    const later = {
      signature: 'x',
      writer: { nonce: 'n1', sequence: 1, host: 'h' },
      origin: { kind: 'upload', by: 'x' },
      files: [{ ...assetFile('a.zip'), owner: 'x' }],
    };
    const record = completeRecord([assetFile('a.zip')], { writer: { nonce: 'n1', sequence: 1 } });
    expect(parseRecord(stored(later), WHERE)).toEqual(record);
  });

  it('counts as uploading if this version does not know its state', () => {
    const record = parseRecord(stored({ state: 'archived' }), WHERE);
    expect(record).toEqual(uploadingRecord());
  });

  it('is read without a code hash algorithm that this version does not know', () => {
    expect(parseRecord(stored({ codeHashAlgorithm: 'sha512' }), WHERE)).not.toHaveProperty('codeHashAlgorithm');
  });

  it.each([
    ['s3-asset-manager/record/v2', 's3-asset-manager/record/v2'],
    ['x\u001b[31m\n', 'x\\u{1b}[31m\\u{a}'],
  ])('is refused with the schema %j', (schema, shown) => {
    // The rest need not be in the form that this version expects.
    expect(() => parseRecord(JSON.stringify({ schema }), WHERE)).toThrow(
      new UserError(
        `${WHERE} has the schema '${shown}', which this version does not know: use a newer version of the action`,
      ),
    );
  });
});

describe('a lease', () => {
  it.each([
    [0, 0],
    [120, 120],
    [21_600, 21_600],
    [21_601, 21_600],
    [Number.MAX_SAFE_INTEGER, 21_600],
  ])('of %i seconds counts as %i', (leaseSeconds, counted) => {
    expect(parseRecord(stored({ leaseSeconds }), WHERE).leaseSeconds).toBe(counted);
  });
});

describe('an object that is not a record', () => {
  it.each(['', '<html></html>', '{', '{"schema": "s3-asset-manager/record/v1"', 'undefined', '{}{}'])(
    'is refused if it is not JSON: %j',
    (text) => {
      expect(refusalOf(text)).toMatchObject({
        message: `${WHERE} is not a record (it is not JSON): ${ADVICE}`,
        cause: { name: 'SyntaxError' },
      });
    },
  );

  it.each(['null', '[]', '"text"', '1', 'true'])('is refused if it is not a JSON object: %s', (text) => {
    expect(refusalOf(text).message).toBe(
      `${WHERE} is not a record this version can read (it is not an object): ${ADVICE}`,
    );
  });

  const writer = { nonce: 'n1', sequence: 1 };
  const file = assetFile('a.zip');

  it.each<[Json, string]>([
    [{ schema: undefined }, 'schema is not a text'],
    [{ schema: 1 }, 'schema is not a text'],
    [{ state: undefined }, 'state is not a text'],
    [{ state: ['complete'] }, 'state is not a text'],
    [{ commit: undefined }, 'commit is not a full commit id'],
    [{ commit: null }, 'commit is not a full commit id'],
    [{ commit: 'abc1234' }, 'commit is not a full commit id'],
    [{ commit: `${COMMIT}$(reboot)` }, 'commit is not a full commit id'],
    [{ codeHash: null }, 'codeHash is not a code hash'],
    [{ codeHash: '"; reboot' }, 'codeHash is not a code hash'],
    [{ codeHashAlgorithm: 1 }, 'codeHashAlgorithm is not a text'],
    [{ createdAt: 1 }, 'createdAt is not a text'],
    [{ origin: undefined }, 'origin is not an object'],
    [{ origin: 'upload' }, 'origin is not an object'],
    [{ origin: {} }, 'origin.kind is not a text'],
    [{ origin: { kind: 'cache', codeHash: 'x' } }, 'origin.codeHash is not a code hash'],
    [{ origin: { kind: 'cache', commit: 'x' } }, 'origin.commit is not a full commit id'],
    [{ writer: undefined }, 'writer is not an object'],
    [{ writer: [writer] }, 'writer is not an object'],
    [{ writer: { sequence: 1 } }, 'writer.nonce is not a text'],
    [{ writer: { nonce: 'n1' } }, 'writer.sequence is not a whole number'],
    [{ writer: { ...writer, runId: 1 } }, 'writer.runId is not a text'],
    [{ leaseSeconds: undefined }, 'leaseSeconds is not a whole number'],
    [{ leaseSeconds: '120' }, 'leaseSeconds is not a whole number'],
    [{ leaseSeconds: -1 }, 'leaseSeconds is not a whole number'],
    [{ leaseSeconds: 1.5 }, 'leaseSeconds is not a whole number'],
    [{ leaseSeconds: 1e300 }, 'leaseSeconds is not a whole number'],
    [{ totalSize: undefined }, 'totalSize is not a whole number'],
    [{ files: undefined }, 'files is not a list'],
    [{ files: { 0: file } }, 'files is not a list'],
    [{ files: 'a.zip' }, 'files is not a list'],
    [{ files: [file, null] }, 'files[1] is not an object'],
    [{ files: ['a.zip'] }, 'files[0] is not an object'],
    [{ files: [{ ...file, path: undefined }] }, 'files[0].path is not a text'],
    [{ files: [{ ...file, path: ['a.zip'] }] }, 'files[0].path is not a text'],
    [{ files: [{ ...file, size: undefined }] }, 'files[0].size is not a whole number'],
    [{ files: [{ ...file, size: -1 }] }, 'files[0].size is not a whole number'],
    [{ files: [{ ...file, etag: undefined }] }, 'files[0].etag is not a text'],
    [{ files: [{ ...file, sha256: null }] }, 'files[0].sha256 is not a text'],
    [{ files: [{ ...file, contentType: {} }] }, 'files[0].contentType is not a text'],
    [{ files: [{ ...file, cacheControl: 1 }] }, 'files[0].cacheControl is not a text'],
    [{ files: [{ ...file, metadata: 'x' }] }, 'files[0].metadata is not an object of texts'],
    [{ files: [{ ...file, metadata: ['x'] }] }, 'files[0].metadata is not an object of texts'],
    [{ files: [{ ...file, metadata: { a: 1 } }] }, 'files[0].metadata is not an object of texts'],
  ])('is refused with an error that names its key and the field: %j', (overrides, problem) => {
    expect(refusalOf(stored(overrides)).message).toBe(
      `${WHERE} is not a record this version can read (${problem}): ${ADVICE}`,
    );
  });
});

describe('a record made by an attacker', () => {
  it('gets no field from the prototype of Object', () => {
    const hostile = stored({}, uploadingRecord()).replace('"commit":', '"__proto__":{"commit":"x"},"other":');
    expect(refusalOf(hostile).message).toContain('commit is not a full commit id');
  });

  it('adds nothing to other objects through names such as __proto__', () => {
    const own = '{"__proto__": {"polluted": "yes"}, "constructor": {"prototype": {"polluted": "yes"}}}';
    const record = parseRecord(stored(JSON.parse(own)), WHERE);
    expect(record).toEqual(completeRecord([assetFile('a.zip')]));
    expect({}).not.toHaveProperty('polluted');
  });

  it('may use such names in metadata, where they are plain names', () => {
    const metadata = '{"__proto__":"a","constructor":"b","toString":"c"}';
    const text = stored({ files: [{ ...assetFile('a.zip'), metadata: JSON.parse(metadata) }] });
    const record = parseRecord(text, WHERE);
    expect(record.state === 'complete' && JSON.stringify([...record.files][0]?.metadata)).toBe(metadata);
    expect(recordText(record)).toContain(metadata);
  });

  it('is executable or legacy only if the field is exactly true', () => {
    const text = stored({
      origin: { kind: 'cache', legacy: 'true' },
      files: [{ ...assetFile('a.zip'), executable: 1 }],
    });
    expect(parseRecord(text, WHERE)).toStrictEqual(completeRecord([assetFile('a.zip')], { origin: { kind: 'cache' } }));
  });

  it('is parsed fast, however large it is', () => {
    const files = Array.from({ length: 50_000 }, (_, index) => assetFile(`folder/${index}.zip`));
    const text = recordText(completeRecord(files));
    const begunAtMs = performance.now();
    parseRecord(text, WHERE);
    // A quiet machine takes a tenth of that. Only time that grows with the square of the size must fail.
    expect(performance.now() - begunAtMs).toBeLessThan(3000);
  });
});

describe('describeWriter', () => {
  it.each([
    [{}, 'writer n1'],
    [{ workflow: 'w', repository: 'o/r' }, 'writer n1'],
    [{ runId: '12' }, 'run 12'],
    [{ runId: '12', runAttempt: '2' }, 'run 12 (attempt 2)'],
    [{ runId: '12', workflow: 'w' }, 'run 12, workflow w'],
    [{ runId: '12', runAttempt: '2', repository: 'o/r', workflow: 'w' }, 'run 12 (attempt 2) of o/r, workflow w'],
    [{ runId: '12', url: 'https://ci.example.com/12' }, 'run 12, https://ci.example.com/12'],
    [{ runId: '1\n2', workflow: '##[add-mask]e' }, 'run 1\\u{a}2, workflow \\u{23}#[add-mask]e'],
    [{ nonce: 'n\u001b[2J' }, 'writer n\\u{1b}[2J'],
  ])('shows %j as %j', (writer, text) => {
    expect(describeWriter({ nonce: 'n1', sequence: 1, ...writer })).toBe(text);
  });
});

function refusalOf(text: string): UserError {
  try {
    parseRecord(text, WHERE);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('It was not refused');
}
