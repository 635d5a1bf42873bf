import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpRequest } from '@smithy/core/protocols';
import { HeaderSigner } from '../../src/s3/signed-request.ts';
import type { Attempt } from './contest.ts';
import { cloudEnvironment, type Place, REGION } from './place.ts';

// The least that Node needs for the requests of a work: a script that loads nothing but node:https, and sends requests
// which were signed before the clock started. It keeps nothing of what it receives.

export const BARE = 'a bare Node script with the same requests';

/** As many as the action sends. */
const AT_ONCE = 64;

export interface BareRequest {
  readonly method: 'GET' | 'PUT';
  /** In the bucket; empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Path of the file that is sent. */
  readonly file?: string;
  /** Whether the reply is read as text and, if it is JSON, parsed; any other is thrown away. */
  readonly isText?: true;
}

export async function prepareBareScript(place: Place, requests: readonly BareRequest[]): Promise<Attempt> {
  const script = join(place.home, 'bare.cjs');
  await writeFile(script, scriptOf(await Promise.all(requests.map((request) => signed(place, request)))));
  const commands = [[process.execPath, script]];
  const timed = { commands, env: cloudEnvironment(place), cwd: place.home, output: join(place.home, 'bare.log') };
  return { timed, verify: async () => {}, clear: async () => {} };
}

interface Signed {
  readonly url: string;
  readonly method: BareRequest['method'];
  readonly headers: Readonly<Record<string, string>>;
  readonly file?: string | undefined;
  readonly isText?: true | undefined;
}

async function signed({ endpoint, bucket, credentials }: Place, request: BareRequest): Promise<Signed> {
  const { method, key, query = {}, file, isText } = request;
  const { protocol, hostname, port, host } = new URL(endpoint);
  const path = `/${bucket}/${key}`;
  const payload = file === undefined ? createHash('sha256').digest('hex') : 'UNSIGNED-PAYLOAD';
  const headers = { host, 'x-amz-content-sha256': payload, ...request.headers };
  const unsigned = new HttpRequest({ method, protocol, hostname, port: Number(port), path, query, headers });
  const signer = new HeaderSigner(REGION, async () => credentials);
  const { headers: sent } = await signer.sign(unsigned, { signingDate: new Date() });
  return { url: `${endpoint}${path}?${new URLSearchParams(query)}`, method, headers: sent, file, isText };
}

function scriptOf(requests: readonly Signed[]): string {
  return `'use strict';
const fs = require('node:fs');
const https = require('node:https');
const agent = new https.Agent({ keepAlive: true });
const requests = ${JSON.stringify(requests)};
let next = 0;
function send() {
  const { url, method, headers, file, isText } = requests[next++] ?? {};
  if (url === undefined) return;
  const request = https.request(url, { agent, method, headers }, (reply) => {
    if (reply.statusCode !== 200) throw new Error(reply.statusCode);
    let text = '';
    if (isText) reply.setEncoding('utf8');
    reply.on('data', (chunk) => isText && (text += chunk)).on('end', () => {
      if (text.startsWith('{')) JSON.parse(text);
      send();
    });
  });
  request.end(file && fs.readFileSync(file));
}
for (let lane = 0; lane < ${AT_ONCE}; lane++) send();
`;
}
