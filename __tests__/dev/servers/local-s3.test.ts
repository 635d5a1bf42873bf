import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type LocalS3, startLocalS3 } from '../../../dev/local-s3/local-s3.ts';
import { askServer, PROBES } from '../../../dev/servers/probes/ask.ts';
import { ATTRIBUTES } from '../../../dev/servers/probes/attributes.ts';
import type { Site } from '../../../dev/servers/site.ts';
import { smokeTest } from '../../../dev/servers/smoke.ts';

// The local server, which imitates S3, must pass the probes for other servers.

const { signal } = new AbortController();
let server: LocalS3;
let site: Site;
beforeEach(async () => {
  server = await startLocalS3({ accessKeyId: 'test', secretAccessKey: 'testsecret1' });
  site = { endpoint: server.url, credentials: { accessKeyId: 'test', secretAccessKey: 'testsecret1' } };
});
afterEach(() => server.close());

describe('the local S3 server', () => {
  it('answers every probe as S3 does', async () => {
    const answers = await askServer(site, signal);
    expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(PROBES.map(({ behaviour }) => [behaviour, 'yes'])));
  });

  it('fails a probe that it answers differently', async () => {
    server.deny = ({ action }) => action === 's3:PutObjectTagging';
    const answers = await askServer(site, signal, ATTRIBUTES);
    const others = [...answers].filter(([, answer]) => answer !== 'yes');
    expect(others).toEqual([['Tags are kept (`tags`)', 'no: 403 AccessDenied']]);
  });

  it('passes the smoke test', async () => {
    await smokeTest(site, signal);
  });

  it('fails the smoke test if a step goes wrong, and names the step', async () => {
    server.deny = ({ key }) => key?.startsWith('cache/') ?? false;
    await expect(smokeTest(site, signal)).rejects.toThrow(/^upload: cached is 'false' instead of 'true'/);
  });
});
