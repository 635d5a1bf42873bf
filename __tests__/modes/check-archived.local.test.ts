import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FixtureOptions } from '../../dev/local-s3/local-s3.ts';
import { Scenario } from '../support/scenario.ts';

// Sets archived by lifecycle rules or Intelligent-Tiering: their objects are listed and have headers, but can't be read.

const LARGE = 'x'.repeat(128 * 1024);
const TIERED = { storageClass: 'INTELLIGENT_TIERING', archiveStatus: 'ARCHIVE_ACCESS' } as const;

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

/** Moves every object under a prefix to another storage class; bytes, ETags and metadata stay. */
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
  it('is not found, with a warning, and is replaced by the next upload', async () => {
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

  it('does not keep the check from using the cache', async () => {
    await upload();
    await move('artifacts/', options);
    expect(await scenario.check()).toMatchObject({ found: true, source: 'cache', reason: 'complete' });
    expect(classesOf('artifacts/')).toEqual([undefined, undefined]);
  });

  it('in the cache is a miss, not a failure', async () => {
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

  it('is not found if it has no record either', async () => {
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

  it('needs no extra request if its assets are too small for Intelligent-Tiering to archive', async () => {
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload();
    await move('artifacts/', { storageClass: 'INTELLIGENT_TIERING' });
    scenario.forgetWire();
    await scenario.check();
    expect(scenario.wire()).not.toContainEqual(expect.stringContaining('HeadObject'));
  });

  it('can be used if only an unexpected object is archived', async () => {
    await upload();
    const { server, name } = scenario.bucket;
    server.put(name, `artifacts/${scenario.head}/other.txt`, 'other', GLACIER);
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });

  it('is replaced by the next upload if its record is archived', async () => {
    await upload();
    await move(`records/artifacts/`, GLACIER);
    expect(await scenario.check({ codeHash: undefined })).toMatchObject(ARCHIVED);
    await scenario.build({ 'app.zip': 'app', 'large.bin': LARGE });
    expect(await scenario.upload()).toMatchObject({ found: true, uploaded: true });
    expect(await scenario.check()).toMatchObject({ found: true, reason: 'complete' });
  });

  it('is overwritten with a warning if its record is archived, since its code hash is unknown', async () => {
    await upload();
    await move('records/artifacts/', GLACIER);
    await scenario.build({ 'app.zip': 'App', 'large.bin': LARGE });
    expect(await scenario.upload({ overwrite: true, codeHash: undefined })).toMatchObject({ uploaded: true });
    expect(scenario.warnings()).toContainEqual(
      expect.stringContaining('the code hash of the replaced build is unknown'),
    );
  });
});

describe('a record that another run replaces just before it is found to be archived', () => {
  it('counts in its new state', async () => {
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

describe('an asset that is archived although the listing does not say so', () => {
  const REFUSED = { kind: 'error', status: 403, code: 'InvalidObjectState' } as const;

  it('fails a restore, which does not blame permissions', async () => {
    await upload();
    scenario.bucket.server.fault = ({ operation, key }) =>
      operation === 'GetObject' && key?.startsWith('artifacts/') ? REFUSED : undefined;
    await expect(scenario.restore()).rejects.toThrow(
      /is archived \(InvalidObjectState\): build and upload the set again with 'overwrite: true'/,
    );
    await expect(scenario.restore()).rejects.not.toThrow(/denied|allow/);
  });

  it.each(['InvalidObjectState', 'ObjectNotInActiveTierError'])(
    'makes the check miss if its copy is refused with %s',
    async (code) => {
      await upload();
      await scenario.commit();
      scenario.bucket.server.fault = ({ operation }) => (operation === 'CopyObject' ? { ...REFUSED, code } : undefined);
      expect(await scenario.check()).toMatchObject({ found: false });
      expect(scenario.warnings()).toEqual([expect.stringContaining(`is archived (${code})`)]);
    },
  );
});
