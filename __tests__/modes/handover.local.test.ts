import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Outcome } from '../../src/modes/outcome.ts';
import { s3ObjectStore } from '../../src/s3/object-store.ts';
import { Scenario } from '../support/scenario.ts';
import { TestBucket } from '../support/test-bucket.ts';

// What a check hands over to the next upload, in tests that count requests or need two servers.

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

describe('the result of a check', () => {
  async function storeSet(): Promise<Outcome> {
    await scenario.build({ 'app.zip': 'app' });
    const stored = await scenario.upload();
    await scenario.freshPackages();
    return stored;
  }

  it('is confirmed by a lookup, whatever .record.json says', async () => {
    const { files } = await storeSet();
    await scenario.check({}, scenario.inJob);
    const text = (await scenario.marker('.record.json')) ?? '';
    await scenario.build({ '.record.json': text.replaceAll('app.zip', '../../evil/api.zip') });
    scenario.forgetWire();
    expect(await scenario.upload()).toMatchObject({ reason: 'marker', files });
    expect([...new Set(scenario.wire())].toSorted()).toEqual([
      'GetObject records/artifacts/<commit>.json',
      'ListObjectsV2 artifacts/<commit>/',
    ]);
    expect(await scenario.marker('.record.json')).toBe(text);
  });

  it('does not count for another server with a bucket of the same name', async () => {
    await storeSet();
    await scenario.check({}, scenario.inJob);
    const mirror = await TestBucket.create();
    try {
      mirror.server.createBucket({ name: scenario.bucket.name });
      const { store } = scenario.ports();
      const mirrored = s3ObjectStore(scenario.storeSettings({ endpointUrl: mirror.endpoint }));
      expect(mirrored.bucket).toBe(store.bucket);
      await scenario.build({ 'app.zip': 'app' });
      expect(await scenario.upload({}, { ...scenario.inJob, store: mirrored })).toMatchObject({ uploaded: true });
    } finally {
      await mirror.close();
    }
  });
});
