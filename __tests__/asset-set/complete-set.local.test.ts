import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Content } from '../../dev/local-s3/local-s3.ts';
import { RecordClaim } from '../../src/asset-set/claim.ts';
import { completeSet } from '../../src/asset-set/complete.ts';
import { artifactSet } from '../../src/asset-set/location.ts';
import type { AssetFile } from '../../src/asset-set/record.ts';
import type { Listing } from '../../src/asset-set/status.ts';
import { SetChangedError } from '../../src/errors.ts';
import { Scenario } from '../support/scenario.ts';

const COMMIT = 'c'.repeat(40);
const LOCATION = artifactSet('', COMMIT);
const KEY = `${LOCATION.prefix}a.txt`;

let scenario: Scenario;
let claim: RecordClaim;
beforeEach(async () => {
  scenario = await Scenario.create();
  const draft = { commit: COMMIT, origin: { kind: 'upload' } } as const;
  const writer = { repository: 'owner/repository', runId: '5' };
  claim = await RecordClaim.begin(scenario.run({ writer }), { location: LOCATION, draft, takeOver: undefined });
  await claim.settled();
  scenario.forgetWire();
});
afterEach(async () => {
  claim.end();
  await scenario.close();
});

/** Stores the only asset. @returns its description for the record */
async function store(body = 'a'): Promise<AssetFile[]> {
  const { etag, content } = scenario.bucket.server.put(scenario.bucket.name, KEY, body);
  return [{ path: 'a.txt', size: content.sizeBytes, etag }];
}

/** Another writer replaces the asset every time the set has just been sealed. */
function overwriteAfterSeal(times: number): void {
  let left = times;
  scenario.bucket.server.fault = ({ operation }) => {
    if (operation === 'ListObjectsV2' && left > 0) {
      left -= 1;
      scenario.bucket.server.put(scenario.bucket.name, KEY, 'b');
    }
    return undefined;
  };
}

describe('a set', () => {
  it('is complete after it is sealed and the listing agrees with the record', async () => {
    const record = await completeSet(scenario.run(), claim, { planned: [], transfer: () => store() });
    expect(record).toMatchObject({ state: 'complete', files: [{ path: 'a.txt', size: 1 }], totalSize: 1 });
    expect(scenario.wire()).toEqual(['PutObject records/artifacts/<commit>.json', 'ListObjectsV2 artifacts/<commit>/']);
    expect(await scenario.record(LOCATION.recordKey)).toEqual(record);
    expect(scenario.log).toEqual([]);
  });

  it('is repaired after a late write by a run that has lost the record', async () => {
    overwriteAfterSeal(1);
    const seen: (Listing | undefined)[] = [];
    const transfer = async (listing?: Listing) => {
      seen.push(listing);
      return store();
    };
    await completeSet(scenario.run(), claim, { planned: [], transfer });
    expect(seen.map((listing) => listing && [...listing.keys()])).toEqual([undefined, ['a.txt']]);
    expect(scenario.wire()).toEqual([
      'PutObject records/artifacts/<commit>.json', // complete
      'ListObjectsV2 artifacts/<commit>/',
      'HeadObject artifacts/<commit>/a.txt',
      'PutObject records/artifacts/<commit>.json', // uploading again
      'PutObject records/artifacts/<commit>.json', // complete
      'ListObjectsV2 artifacts/<commit>/',
    ]);
    expect(scenario.warnings()).toEqual([expect.stringContaining("'a.txt' changed while the set was sealed")]);
    expect(await scenario.record(LOCATION.recordKey)).toMatchObject({ state: 'complete' });
    expect((await scenario.bucket.get(KEY))?.body).toBe('a');
  });

  it('is released if others keep overwriting it', async () => {
    overwriteAfterSeal(3);
    let transfers = 0;
    const transfer = async () => {
      transfers += 1;
      return store();
    };
    const completed = completeSet(scenario.run(), claim, { planned: [], transfer });
    await expect(completed).rejects.toThrow(SetChangedError);
    await expect(completed).rejects.toThrow(`Others keep overwriting s3://${scenario.bucket.name}/${LOCATION.prefix}`);
    expect(transfers).toBe(3);
    expect(await scenario.record(LOCATION.recordKey)).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });

  it('is released if its assets cannot be stored', async () => {
    const transfer = () => Promise.reject(new Error('the disk is full'));
    await expect(completeSet(scenario.run(), claim, { planned: [], transfer })).rejects.toThrow('the disk is full');
    expect(await scenario.record(LOCATION.recordKey)).toMatchObject({ state: 'uploading', leaseSeconds: 0 });
  });

  it('stays complete if the listing after the seal fails', async () => {
    scenario.bucket.server.deny = ({ action }) => action === 's3:ListBucket';
    const completed = completeSet(scenario.run(), claim, { planned: [], transfer: () => store() });
    await expect(completed).rejects.toThrow('s3:ListBucket');
    expect(await scenario.record(LOCATION.recordKey)).toMatchObject({ state: 'complete' });
  });

  it('is complete if the server lists ETags in another form than it returns', async () => {
    scenario.bucket.server.fault = ({ operation }) =>
      operation === 'ListObjectsV2'
        ? {
            kind: 'rewrite',
            rewrite: (reply) => ({ ...reply, body: Content.from(reply.body.text().replace(/<ETag>[^<]*/, '<ETag>x')) }),
          }
        : undefined;
    await completeSet(scenario.run(), claim, { planned: [], transfer: () => store() });
    expect(scenario.warnings()).toEqual([]);
  });

  it('may have unexpected objects beside it, which are reported', async () => {
    scenario.bucket.server.put(scenario.bucket.name, `${LOCATION.prefix}b\n.txt`, 'b');
    scenario.bucket.server.put(scenario.bucket.name, `${LOCATION.prefix}c.txt`, 'c');
    await completeSet(scenario.run(), claim, { planned: [], transfer: () => store() });
    expect(scenario.warnings()).toEqual([
      expect.stringMatching(/holds 2 object\(s\) that are not part of the set, such as 'b\\u\{a\}\.txt'/),
    ]);
  });

  it('is not sealed by a run that has lost the record', async () => {
    const transfer = async () => {
      await scenario.putRecord({ leaseSeconds: 60 }, LOCATION.recordKey);
      return store();
    };
    await expect(completeSet(scenario.run(), claim, { planned: [], transfer })).rejects.toThrow('run 77');
    expect(await scenario.record(LOCATION.recordKey)).toMatchObject({ state: 'uploading', leaseSeconds: 60 });
  });

  it('is not repaired by a run that lost the record after the seal', async () => {
    overwriteAfterSeal(1);
    const ports = scenario.ports();
    let seals = 0;
    const transfer = async () => {
      seals += 1;
      return store();
    };
    const head: typeof ports.store.head = async (key) => {
      await scenario.putRecord({ leaseSeconds: 60 }, LOCATION.recordKey);
      return ports.store.head(key);
    };
    const completed = completeSet(scenario.run({ store: { ...ports.store, head } }), claim, { planned: [], transfer });
    await expect(completed).rejects.toThrow('run 77');
    expect(seals).toBe(1);
    expect(await scenario.record(LOCATION.recordKey)).toMatchObject({ state: 'uploading', leaseSeconds: 60 });
  });

  it('is known to have been sealed after its repair fails', async () => {
    overwriteAfterSeal(1);
    let rounds = 0;
    const transfer = async () => {
      rounds += 1;
      if (rounds > 1) throw new Error('unreadable');
      return store();
    };
    await expect(completeSet(scenario.run(), claim, { planned: [], transfer })).rejects.toThrow('unreadable');
    expect(await scenario.record(LOCATION.recordKey)).toMatchObject({ leaseSeconds: 0, sealedBefore: true });
  });
});
