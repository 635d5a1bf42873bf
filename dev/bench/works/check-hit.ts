import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpRequest } from '@smithy/core/protocols';
import { HeaderSigner } from '../../../src/s3/signed-request.ts';
import { prepareActionCheck } from '../checks.ts';
import type { Attempt } from '../contest.ts';
import { writeFiles } from '../folder.ts';
import { cloudEnvironment, type Place, REGION } from '../place.ts';
import type { Timed } from '../process-meter.ts';
import { timeRatio } from '../targets.ts';
import { transferPrograms } from '../transfer-programs.ts';
import { ACTION, type Work } from '../work.ts';

const BARE = 'a bare Node script with the same two requests';

/** The most frequent case, in which the commit has a set, beside the least that Node needs for it. */
export const CHECK_HIT: Work = {
  name: 'check-hit',
  title: () => '`check`, hit',
  links: ['loopback', '25ms'],
  targets: () => [timeRatio({ of: ACTION, than: BARE }, 1.7, ['loopback'])],
  prepare: async (stage) => {
    const repository = await stage.repository();
    const { id: commit } = await repository.commit('sources', {});
    const bucket = await stage.bucket();
    await writeFiles(join(repository.root, 'packages'), { count: 10, sizeBytes: 1000 });
    const checkout = { repository: repository.root, commit };
    await stage.storeSet({ place: stage.place(bucket), cwd: repository.root, commit, inputs: {} });
    const expected = { found: 'true', source: 'artifact', reason: 'complete' };
    return (endpoint) => {
      const place = stage.place(bucket, endpoint);
      const listings = transferPrograms(stage.peers).map((program) => ({
        name: `${program.name}, a listing`,
        prepare: async () => plain(place, program.list(place.bucket, `artifacts/${commit}/`), program.env(place)),
      }));
      return [
        { name: BARE, prepare: () => prepareBare(place, commit) },
        { name: ACTION, prepare: () => prepareActionCheck({ place, checkout, expected }) },
        ...listings,
      ];
    };
  },
};

/** A command that leaves nothing behind. */
function plain({ home: cwd }: Place, command: readonly string[], env: Timed['env']): Attempt {
  const timed = { commands: [command], env, cwd, output: join(cwd, 'plain.log') };
  return { timed, verify: async () => {}, clear: async () => {} };
}

/** Both requests are signed in advance: the script only sends them at once, each over its own connection. */
async function prepareBare(place: Place, commit: string): Promise<Attempt> {
  const requests = await Promise.all([
    signed(place, `/${place.bucket}/records/artifacts/${commit}.json`, {}),
    signed(place, `/${place.bucket}/`, { 'list-type': '2', prefix: `artifacts/${commit}/` }),
  ]);
  const script = join(place.home, 'bare.cjs');
  await writeFile(script, bareScript(requests));
  return plain(place, [process.execPath, script], cloudEnvironment(place));
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
