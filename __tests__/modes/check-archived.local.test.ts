import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FixtureOptions } from '../../dev/local-s3/local-s3.ts';
import { Scenario } from '../support/scenario.ts';

// What lifecycle rules and Intelligent-Tiering do to sets: the objects are listed and have headers, but no bytes.

const LARGE = 'x'.repeat(128 * 1024);
const TIERED = { storageClass: 'INTELLIGENT_TIERING', archiveStatus: 'ARCHIVE_ACCESS' } as const;

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

/** Moves every object under a prefix to another class; bytes, ETags and metadata stay. */
async function move(prefix: string, options: FixtureOptions): Promise<void> {
  const { bucket } = scenario;
  for (const key of await bucket.keys(prefix)) {
    const { body = '', metadata = {} } = (await bucket.get(key)) ?? {};
    bucket.server.put(bucket.name, key, body, { metadata, ...options });
  }
}

function classesOf(prefix: string): (string | undefined)[] {
  const { server, name } = scenario.bucket;
  return server.keys(name, prefix).map((key) => server.get(name, key)?.headers['x-amz-storage-class']);
}

async function upload(): Promise<string> {
  await scenario.build({ 'app.zip': 'app', 'large.bin': LARGE });
  const { codeHash = '' } = await scenario.upload();
  await scenario.freshPackages();
  return codeHash;
}

const GLACIER = { storageClass: 'GLACIER' };
const ARCHIVED = { found: false, source: 'none', reason: 'archived' };

describe.each<[string, FixtureOptions]>([
  ['GLACIER', GLACIER],
  ['DEEP_ARCHIVE', { storageClass: 'DEEP_ARCHIVE' }],
  ['an archive tier of Intelligent-Tiering', TIERED],
])('a set in %s', (_, options) => {
  it('is not found, with a warning, and replaced by the next upload', async () => {
    await upload();
    await move('artifacts/', options);
    await move('cache/', options);
    expect(await scenario.check()).toMatchObject(ARCHIVED);
    expect(scenario.warnings()).toEqual([
      expect.stringContaining(`artifacts/${scenario.head}/ is archived, so it can't be used`),
      expect.stringMatching(/cache\/\w+\/ is archived/),
    ]);
    await scenario.build({ 'app.zip': 'app', 'large.bin': LARGE });
    expect(await scenario.upload()).toMatchObject({ found: true, reason: 'uploaded', uploaded: true, cached: true });
    expect([...classesOf('artifacts/'), ...classesOf('cache/')]).toEqual([undefined, undefined, undefined, undefined]);
    await scenario.freshPackages();
    expect(await scenario.restore()).toMatchObject({ found: true, restored: true });
    await scenario.commit();
    expect(await scenario.check()).toMatchObject({ found: true, source: 'cache' });
  });

  it('leaves the way to the cache open', async () => {
    await upload();
    await move('artifacts/', options);
    expect(await scenario.check()).toMatchObject({ found: true, source: 'cache', reason: 'complete' });
    expect(classesOf('artifacts/')).toEqual([undefined, undefined]);
  });

  it('in the cache is a miss, and no failure', async () => {
    await upload();
    await move('cache/', options);
    await scenario.commit();
    expect(await scenario.check()).toMatchObject({ found: false, reason: 'absent' });
  });

  it('is not restored', async () => {
    await upload();
    await move('', { ...options });
    expect(await scenario.restore({ codeHash: undefined })).toMatchObject({ ...ARCHIVED, restored: false });
    expect(await scenario.marker('app.zip')).toBeUndefined();
  });

  it('is not found without a record either', async () => {
    await scenario.bucket.put(`artifacts/${scenario.head}/large.bin`, LARGE);
    await move('artifacts/', options);
    expect(await scenario.check({ codeHash: undefined })).toMatchObject(ARCHIVED);
  });
});

describe('a set', () => {
  it.each(['GLACIER_IR', 'STANDARD_IA', 'INTELLIGENT_TIERING'])('in %s can be used', async (storageClass) => {
    await upload();
    await move('artifacts/', { storageClass });
    expect(await scenario.check()).toMatchObject({ found: true, source: 'artifact', reason: 'complete' });
  });

  it('costs no request more where Intelligent-Tiering leaves its small assets alone', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    await move('artifacts/', { storageClass: 'INTELLIGENT_TIERING' });
    scenario.forgetWire();
    await scenario.check();
    expect(scenario.wire()).not.toContainEqual(expect.stringContaining('HeadObject'));
  });

  it('of which another object is archived can be used', async () => {
    await upload();
    const { server, name } = scenario.bucket;
    server.put(name, `artifacts/${scenario.head}/other.txt`, 'other', GLACIER);
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });

  it('of which the record is archived is replaced by the next upload', async () => {
    await upload();
    await move(`records/artifacts/`, GLACIER);
    expect(await scenario.check({ codeHash: undefined })).toMatchObject(ARCHIVED);
    await scenario.build({ 'app.zip': 'app', 'large.bin': LARGE });
    expect(await scenario.upload()).toMatchObject({ found: true, uploaded: true });
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });

  it('of which the record is archived is overwritten with a warning, since its code is unknown', async () => {
    await upload();
    await move('records/artifacts/', GLACIER);
    await scenario.build({ 'app.zip': 'App', 'large.bin': LARGE });
    expect(await scenario.upload({ overwrite: true, codeHash: undefined })).toMatchObject({ uploaded: true });
    expect(scenario.warnings()).toContainEqual(expect.stringContaining('which code the replaced build was of'));
  });
});

describe('a record that another run replaces while it is found to be archived', () => {
  it('is the one that counts', async () => {
    await upload();
    await move('records/artifacts/', GLACIER);
    const store = scenario.hookedStore((real) => ({
      head: async (key) => {
        await scenario.putRecord();
        return real.head(key);
      },
    }));
    expect(await scenario.check({ codeHash: undefined }, { store })).toMatchObject({ reason: 'in-progress' });
  });
});

describe('an asset that is archived although it is not listed so', () => {
  const REFUSED = { kind: 'error', status: 403, code: 'InvalidObjectState' } as const;

  it('ends a restore, which does not blame permissions', async () => {
    await upload();
    scenario.bucket.server.fault = ({ operation, key }) =>
      operation === 'GetObject' && key?.startsWith('artifacts/') ? REFUSED : undefined;
    await expect(scenario.restore()).rejects.toThrow(
      /is archived \(InvalidObjectState\): build and upload the set again with 'overwrite: true'/,
    );
    await expect(scenario.restore()).rejects.not.toThrow(/denied|allow/);
  });

  it.each(['InvalidObjectState', 'ObjectNotInActiveTierError'])(
    'makes a cache a miss where its copy is refused by %s',
    async (code) => {
      await upload();
      await scenario.commit();
      scenario.bucket.server.fault = ({ operation }) => (operation === 'CopyObject' ? { ...REFUSED, code } : undefined);
      expect(await scenario.check()).toMatchObject({ found: false });
      expect(scenario.warnings()).toEqual([expect.stringContaining(`is archived (${code})`)]);
    },
  );
});
