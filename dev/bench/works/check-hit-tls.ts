import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpRequest } from '@smithy/core/protocols';
import { HeaderSigner } from '../../../src/s3/signed-request.ts';
import { TlsFront } from '../../local-s3/tls-front.ts';
import { prepareActionCheck } from '../checks.ts';
import { writeSmallFiles } from '../folder.ts';
import { type Place, REGION } from '../place.ts';
import { timeRatio } from '../targets.ts';
import { ACTION, type Work } from '../work.ts';

const BARE = 'a bare Node script with the same two requests';

/** A hit over TLS, as users have it, beside the least that Node takes for it. */
export const CHECK_HIT_TLS: Work = {
  name: 'check-hit-tls',
  title: () => '`check`, hit, over TLS',
  withLatency: false,
  targets: () => [timeRatio({ of: ACTION, than: BARE }, 1.7, ['loopback'])],
  prepare: async (stage) => {
    const repository = await stage.repository();
    const { id: commit } = await repository.commit('sources', {});
    const bucket = await stage.bucket();
    await writeSmallFiles(join(repository.root, 'packages'), { count: 10, sizeBytes: 1000 });
    const checkout = { repository: repository.root, commit };
    await stage.storeSet({ place: stage.place(bucket), cwd: repository.root, commit, inputs: {} });
    const front = stage.use(await TlsFront.start(Number(new URL(stage.place(bucket).endpoint).port), ['IP:127.0.0.1']));
    const place = stage.place(bucket, `https://127.0.0.1:${front.port}`);
    const env = { NODE_EXTRA_CA_CERTS: front.certificate };
    const expected = { found: 'true', source: 'artifact', reason: 'complete' };
    return () => [
      { name: BARE, prepare: () => prepareBare(place, commit, env) },
      { name: ACTION, prepare: () => prepareActionCheck({ place, checkout, expected, env }) },
    ];
  },
};

/** Both requests are signed beforehand: the script only sends them, at once, over connections of their own. */
async function prepareBare(place: Place, commit: string, env: Readonly<Record<string, string>>) {
  const requests = await Promise.all([
    signed(place, `/${place.bucket}/records/artifacts/${commit}.json`, {}),
    signed(place, `/${place.bucket}/`, { 'list-type': '2', prefix: `artifacts/${commit}/` }),
  ]);
  const script = join(place.home, 'bare.cjs');
  await writeFile(script, bareScript(requests));
  const timed = {
    commands: [[process.execPath, script]],
    env: { PATH: process.env.PATH ?? '', ...env },
    cwd: place.home,
    output: join(place.home, 'bare.log'),
  };
  return { timed, verify: async () => {}, clear: async () => {} };
}

interface Signed {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function signed({ endpoint, credentials }: Place, path: string, query: Record<string, string>): Promise<Signed> {
  const { protocol, hostname, port, host } = new URL(endpoint);
  const headers = { host, 'x-amz-content-sha256': createHash('sha256').digest('hex') };
  const request = new HttpRequest({ method: 'GET', protocol, hostname, port: Number(port), path, query, headers });
  const signer = new HeaderSigner(REGION, async () => credentials);
  const { headers: sent } = await signer.sign(request, { signingDate: new Date() });
  return { url: `${endpoint}${path}?${new URLSearchParams(query)}`, headers: sent };
}

function bareScript(requests: readonly Signed[]): string {
  return `'use strict';
const https = require('node:https');
for (const { url, headers } of ${JSON.stringify(requests)})
  https.get(url, { headers }, (reply) => {
    let text = '';
    reply.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('end', () => {
      if (reply.statusCode !== 200) throw new Error(text);
      if (text.startsWith('{')) JSON.parse(text);
    });
  });
`;
}
