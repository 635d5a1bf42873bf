import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openRecord, type RecordKeys, signedRecord, signedStore } from '../../src/asset-set/signature.ts';
import { RecordLostError } from '../../src/errors.ts';
import type { Outcome } from '../../src/modes/outcome.ts';
import type { ObjectStore } from '../../src/ports.ts';
import { OTHER_WRITER, Scenario } from '../support/scenario.ts';
import { newRecordKeys } from './key-pair.ts';
import { assetFile, completeRecord, recordText } from './records.ts';

// Jobs that trust each other's sets, and a job that may write to the bucket but must not be trusted.

const [OURS, THEIRS] = [newRecordKeys(), newRecordKeys()];
/** A job that only reads: it has the public key. */
const READERS: RecordKeys = { signing: undefined, trusted: OURS.trusted };
/** The keys as the inputs yield them. */
const WITH_KEYS = { legacy: 'ignore' } as const;
const FILES = { 'app.zip': 'app', 'nested/site.txt': 'site' };

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

function storeWith(keys: RecordKeys): ObjectStore {
  return signedStore(scenario.ports().store, keys);
}

async function check(keys: RecordKeys | undefined, overrides: Parameters<Scenario['check']>[0] = {}): Promise<Outcome> {
  await scenario.freshPackages();
  if (keys === undefined) return scenario.check(overrides);
  return scenario.check({ ...WITH_KEYS, ...overrides }, { store: storeWith(keys) });
}

/** Builds and uploads, as after a miss. */
async function build(keys: RecordKeys | undefined, files: Record<string, string> = FILES): Promise<Outcome> {
  await scenario.freshPackages();
  await scenario.build(files);
  if (keys === undefined) return scenario.upload();
  return scenario.upload(WITH_KEYS, { store: storeWith(keys) });
}

async function restore(keys: RecordKeys): Promise<Outcome> {
  await scenario.freshPackages();
  return scenario.restore({ ...WITH_KEYS, codeHash: undefined }, { store: storeWith(keys) });
}

function recordKeyOf(): string {
  return `records/artifacts/${scenario.head}.json`;
}

async function bodyOf(key: string): Promise<string> {
  return (await scenario.bucket.get(key))?.body ?? '';
}

async function distrustOf(key: string): Promise<string | undefined> {
  return openRecord({ recordKey: key, body: Buffer.from(await bodyOf(key)) }, OURS.trusted).distrust;
}

function cacheKeyOf({ codeHash }: Outcome): string {
  return `records/cache/${codeHash}.json`;
}

const NOT_FOUND = { found: false, source: 'none', reason: 'incomplete' } as const;

describe('a signed set', () => {
  it('is found and restored by anyone who has the public key', async () => {
    expect(await build(OURS)).toMatchObject({ reason: 'uploaded', cached: true });
    expect(await check(READERS, { codeHash: undefined })).toMatchObject({ found: true, reason: 'complete' });
    expect(await restore(READERS)).toMatchObject({ found: true, restored: true });
    expect(await scenario.marker('app.zip')).toBe('app');
  });

  it('is also found by jobs without keys', async () => {
    await build(OURS);
    expect(await check(undefined)).toMatchObject({ found: true, reason: 'complete' });
  });

  it('is signed again by the job that copies it for another commit', async () => {
    await build(OURS);
    await scenario.commit();
    expect(await check(OURS)).toMatchObject({ found: true, source: 'cache' });
    expect(await distrustOf(recordKeyOf())).toBeUndefined();
    expect(await check(READERS, { codeHash: undefined })).toMatchObject({ found: true, source: 'artifact' });
  });

  it('is used in place by a job that can only read', async () => {
    const { codeHash } = await build(OURS);
    await scenario.commit();
    const outcome = await check(READERS, { access: 'read' });
    expect(outcome).toMatchObject({ found: true, source: 'cache', location: { prefix: `cache/${codeHash}/` } });
  });

  it('is not found with another key', async () => {
    await build(OURS);
    expect(await check(THEIRS, { codeHash: undefined })).toMatchObject(NOT_FOUND);
    expect(scenario.log).toContainEqual(
      expect.stringContaining(`its record is signed with the key ${OURS.signing.id}, and only ${THEIRS.signing.id}`),
    );
  });

  it('is completed although the reply to a write of its record was lost', async () => {
    const store = storeWith(OURS);
    let lostCount = 0;
    const lossy: ObjectStore = {
      ...store,
      writeDocument: async (...args) => {
        const result = await store.writeDocument(...args);
        lostCount += 1;
        return lostCount === 1 || result.outcome !== 'written' ? { outcome: 'precondition-failed' } : result;
      },
    };
    await scenario.build(FILES);
    expect(await scenario.upload(WITH_KEYS, { store: lossy })).toMatchObject({ reason: 'uploaded' });
    expect(lostCount).toBeGreaterThan(1);
    expect(await check(READERS, { codeHash: undefined })).toMatchObject({ found: true });
  });
});

describe('a set without a trusted signature', () => {
  it('is not found, and the log says why', async () => {
    await build(undefined);
    expect(await check(OURS, { codeHash: undefined })).toMatchObject(NOT_FOUND);
    expect(scenario.log).toContainEqual(
      expect.stringContaining('does not count: its record is not signed by any of the keys.'),
    );
    await expect(restore(READERS)).resolves.toMatchObject({ ...NOT_FOUND, restored: false });
  });

  it('is not found if it has no record either', async () => {
    await scenario.bucket.put(`artifacts/${scenario.head}/app.zip`, 'app');
    expect(await check(OURS, { codeHash: undefined })).toMatchObject({ found: false, reason: 'legacy' });
  });

  it('is replaced by a signed one in the next upload', async () => {
    await build(undefined, { 'app.zip': 'bad', 'nested/site.txt': 'site' });
    expect(await build(OURS)).toMatchObject({ reason: 'uploaded', cached: true });
    expect(await check(READERS, { codeHash: undefined })).toMatchObject({ found: true });
    expect(await bodyOf(`artifacts/${scenario.head}/app.zip`)).toBe('app');
  });

  it('is never taken from the cache, and the next upload of that code replaces it', async () => {
    const { codeHash, ...stored } = await build(undefined, { 'app.zip': 'bad' });
    await scenario.commit();
    expect(await check(OURS)).toMatchObject({ found: false, reason: 'absent' });
    expect(await build(OURS)).toMatchObject({ cached: true, codeHash });
    expect(await distrustOf(cacheKeyOf({ ...stored, codeHash }))).toBeUndefined();
    expect(await bodyOf(`cache/${codeHash}/app.zip`)).toBe('app');
    await scenario.commit();
    expect(await check(OURS)).toMatchObject({ found: true, source: 'cache' });
    expect(await bodyOf(`artifacts/${scenario.head}/app.zip`)).toBe('app');
  });

  it('does not satisfy an upload that lost a race against it', async () => {
    const store = storeWith(OURS);
    const late: ObjectStore = {
      ...store,
      putAsset: async (put) => {
        await scenario.putRecord({ state: 'complete' });
        return store.putAsset(put);
      },
    };
    await scenario.build(FILES);
    await expect(scenario.upload(WITH_KEYS, { store: late })).rejects.toThrow(RecordLostError);
  });

  it('does not make an upload skip its work because a check without keys found it', async () => {
    await build(undefined);
    expect(await check(undefined)).toMatchObject({ found: true });
    await scenario.build(FILES);
    await expect(scenario.upload(WITH_KEYS, { store: storeWith(OURS) })).rejects.toThrow(
      `the set at s3://${scenario.bucket.name}/artifacts/${scenario.head}/, which is not signed by a key of this step`,
    );
    await build(OURS);
    await check(OURS);
    expect(await scenario.upload(WITH_KEYS, { store: storeWith(OURS) })).toMatchObject({ reason: 'marker' });
  });

  it('is waited for while it is being written, since no reader uses it', async () => {
    await scenario.putRecord();
    expect(await check(OURS)).toMatchObject({ found: false, reason: 'in-progress' });
    expect(await scenario.record()).toMatchObject({ writer: OTHER_WRITER });
  });
});

describe('an attacker who may write to the bucket but has no key', () => {
  it('can change neither a file nor a record unnoticed', async () => {
    await build(OURS);
    const key = `artifacts/${scenario.head}/app.zip`;
    const record = await bodyOf(recordKeyOf());
    const etag = (await scenario.bucket.get(key))?.etag ?? '';
    await scenario.bucket.put(key, 'bad');
    const forged = record
      .replace(createHash('sha256').update('app').digest('base64'), createHash('sha256').update('bad').digest('base64'))
      .replace(JSON.stringify(etag), JSON.stringify((await scenario.bucket.get(key))?.etag));
    await scenario.bucket.put(recordKeyOf(), forged);
    expect(forged).not.toBe(record);
    expect(await check(undefined)).toMatchObject({ found: true });
    expect(await check(OURS, { codeHash: undefined })).toMatchObject(NOT_FOUND);
    expect(scenario.log).toContainEqual(expect.stringContaining('its record is not what the key'));
  });

  it("can't pass an older set off as that of another commit or other code", async () => {
    const first = await build(OURS);
    const [record, cached] = [await bodyOf(recordKeyOf()), await bodyOf(cacheKeyOf(first))];
    const second = await scenario.commit({ 'src/main.txt': 'changed\n' });
    for (const [path, body] of Object.entries(FILES)) await scenario.bucket.put(`artifacts/${second}/${path}`, body);
    await scenario.bucket.put(recordKeyOf(), record.replaceAll(first.commit, second));
    expect(await check(undefined, { codeHash: undefined })).toMatchObject({ found: true });
    for (const forgery of [record, record.replaceAll(first.commit, second), cached]) {
      await scenario.bucket.put(recordKeyOf(), forgery);
      expect(await check(OURS, { codeHash: undefined })).toMatchObject(NOT_FOUND);
    }
  });

  it("can't make an upload sign an object that only has the metadata of the uploaded file", async () => {
    const key = `artifacts/${scenario.head}/app.zip`;
    const metadata = {
      'package-hash': createHash('sha256').update('app').digest('base64'),
      'commit-hash': scenario.head,
      'asset-record': 'v1',
    };
    await scenario.bucket.put(key, 'bad', { metadata });
    expect(await build(OURS)).toMatchObject({ reason: 'uploaded' });
    expect(await bodyOf(key)).toBe('app');
  });

  it("can't make an upload sign the replacement of a large file whose multipart upload was aborted", async () => {
    const key = `artifacts/${scenario.head}/large.zip`;
    const [good, bad] = ['g', 'b'].map((byte) => Buffer.alloc(5 * 1024 ** 2 + 1, byte));
    const store = storeWith(OURS);
    let isStruck = false;
    const attacked: ObjectStore = {
      ...store,
      putAssetInParts: (put) => {
        const beforeComplete = async (): Promise<void> => {
          await put.beforeComplete();
          if (isStruck) return;
          isStruck = true;
          await scenario.bucket.abortUploads(key);
          await scenario.bucket.put(key, bad ?? '', { metadata: put.attributes.metadata });
        };
        return store.putAssetInParts({ ...put, beforeComplete });
      },
    };
    await scenario.build({ 'large.zip': good ?? '' });
    expect(await scenario.upload(WITH_KEYS, { store: attacked })).toMatchObject({ reason: 'uploaded' });
    expect(isStruck).toBe(true);
    expect((await bodyOf(key)).slice(0, 1)).toBe('g');
  });

  it.each([
    ['nothing', ''],
    ['not JSON', 'junk'],
    ['not a record', '{}'],
    ['not text', '\xff\xfe'],
    ['a record of another version', '{"schema":"s3-asset-manager/record/v9"}'],
    ['too large for the memory once it is parsed', '['.repeat(2_000_000)],
  ])("can't block jobs with a record that is %s", async (_, junk) => {
    await scenario.bucket.put(recordKeyOf(), junk);
    expect(await check(OURS, { codeHash: undefined })).toMatchObject(NOT_FOUND);
    expect(await build(OURS)).toMatchObject({ reason: 'uploaded', cached: true });
    expect(await check(READERS, { codeHash: undefined })).toMatchObject({ found: true });
  });
});

it('trusts a large record only if it is unchanged since it was signed', async () => {
  const files = Array.from({ length: 12_000 }, (_, index) => assetFile(`file-${String(index).padStart(6, '0')}`));
  const body = Buffer.from(recordText(completeRecord(files, { commit: scenario.head })));
  const signed = signedRecord({ recordKey: recordKeyOf(), body }, OURS.signing).toString();
  for (const [text, distrust] of [
    [signed, undefined],
    [signed.replace('file-011999', 'file-012000'), expect.stringContaining('is not what the key')],
  ] as const) {
    await scenario.bucket.put(recordKeyOf(), text);
    const document = await storeWith(READERS).readDocument(recordKeyOf());
    expect(document?.distrust).toEqual(distrust);
  }
});
