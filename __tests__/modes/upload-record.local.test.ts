import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Content } from '../../dev/local-s3/local-s3.ts';
import { Scenario } from '../support/scenario.ts';

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

describe('the record of an upload', () => {
  it('has the ETag of a copy even if the reply leaves out the quotes, as SeaweedFS does', async () => {
    await scenario.build({ 'app.zip': 'app' });
    scenario.bucket.server.fault = ({ operation }) =>
      operation !== 'CopyObject'
        ? undefined
        : {
            kind: 'rewrite',
            rewrite: (reply) => {
              const [, etag] = /<ETag>&quot;([0-9a-f]+)&quot;<\/ETag>/.exec(reply.body.text()) ?? [];
              const xml = `<CopyObjectResult><ETag>${etag}</ETag></CopyObjectResult>`;
              return { ...reply, body: Content.from(xml) };
            },
          };
    expect(await scenario.upload()).toMatchObject({ found: true, cached: true });
  });

  it('has the attributes of its assets, even if these existed before', async () => {
    await scenario.build({ 'index.html': 'x' });
    await scenario.upload({ codeHash: undefined });
    const settings = { contentType: 'text/html', cacheControl: 'no-store', metadata: { team: 'web' } };
    await scenario.upload({ codeHash: undefined, overwrite: true, ...settings });
    expect(await scenario.record()).toMatchObject({
      files: [{ contentType: 'text/html', cacheControl: 'no-store', metadata: { team: 'web' } }],
    });
    expect(await scenario.bucket.get(`artifacts/${scenario.head}/index.html`)).toMatchObject({
      contentType: 'text/html',
      cacheControl: 'no-store',
      metadata: { team: 'web' },
    });
  });

  it('does not claim an algorithm for a code hash that was computed elsewhere', async () => {
    await scenario.check({ codeHash: { kind: 'given', value: 'a'.repeat(64) } });
    await scenario.build({ 'app.zip': 'app' });
    await scenario.upload({ codeHash: undefined });
    expect(await scenario.record()).not.toHaveProperty('codeHashAlgorithm');
  });
});
