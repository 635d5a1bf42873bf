import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WORKS } from '../../../dev/bench/catalog.ts';
import { measureWork } from '../../../dev/bench/measure-work.ts';
import { ProcessMeter } from '../../../dev/bench/process-meter.ts';
import { startProxyProcess } from '../../../dev/bench/proxy-process.ts';
import type { Work } from '../../../dev/bench/work.ts';
import { type LocalS3, startLocalS3 } from '../../../dev/local-s3/local-s3.ts';
import { TlsFront } from '../../../dev/local-s3/tls-front.ts';

// Without peers and against the local server: the figures say nothing, but each work is done and verified.

const hasPython = process.platform !== 'win32' && spawnSync('python3', ['--version']).status === 0;
const NO_PEERS = {
  s5cmd: undefined,
  rclone: undefined,
  aws: undefined,
  boto3: undefined,
  openssl: undefined,
  versions: [],
};
const SIZES = {
  sets: {
    '20x2mb': { count: 2, sizeBytes: 200 },
    '8x40mb': { count: 2, sizeBytes: 100_000 },
    '1x1gb': { count: 1, sizeBytes: 100_000 },
    '1000x10kb': { count: 3, sizeBytes: 100 },
  },
  sources: { count: 5, sizeBytes: 10 },
  growth: [1, 2, 3],
} as const;

function workOf(name: string): Work {
  const work = WORKS.find((each) => each.name === name);
  if (work === undefined) throw new Error(`there is no work ${name}`);
  return work;
}

(hasPython ? describe : describe.skip)(hasPython ? 'a work' : 'a work, which is measured with python3', () => {
  let server: LocalS3;
  let front: TlsFront;
  let meter: ProcessMeter;
  const { signal: cancelled } = new AbortController();
  beforeAll(async () => {
    server = await startLocalS3({ buckets: [] });
    front = await TlsFront.start(Number(new URL(server.url).port), ['IP:127.0.0.1']);
    meter = new ProcessMeter('python3', cancelled);
  });
  afterAll(async () => {
    await meter[Symbol.asyncDispose]();
    await front[Symbol.asyncDispose]();
    await server.close();
  });

  async function measure(name: string, roundTripMs: number) {
    const { certificate } = front;
    const endpoint = `https://127.0.0.1:${front.port}`;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'testsecret1' };
    await using proxy = await startProxyProcess(endpoint, roundTripMs);
    const links = [
      { name: 'loopback', endpoint },
      { name: '25ms', endpoint: proxy.endpoint },
    ] as const;
    const site = { endpoint, credentials, certificate };
    const options = { server: site, meter, peers: NO_PEERS, sizes: SIZES, runs: 1, cancelled, links };
    return await measureWork(workOf(name), { ...options, progress: () => {} });
  }

  it('is measured over both links, and takes longer by the round trips', async () => {
    const [loopback, latency] = await measure('check-hit', 300);
    const [near, far] = [loopback, latency].map((measured) => measured?.results.get('this action'));
    expect(near).toMatchObject({ runs: 1, wallMs: expect.any(Number), cpuMs: expect.any(Number) });
    expect(near?.peakBytes).toBeGreaterThan(20e6);
    // A round trip each for the connection, its TLS and the requests.
    expect(far?.wallMs).toBeGreaterThan(900);
    expect([...(loopback?.results.keys() ?? [])]).toEqual(['a bare Node script with the same requests', 'this action']);
  });

  it.each([
    ['check-packages', '10 packages, missing'],
    ['promotion-1000x10kb', 'this action'],
    ['upload-20x2mb', 'this action'],
    ['restore-1000x10kb', 'this action'],
  ])('%s is done', async (name, contender) => {
    const measured = await measure(name, 0);
    expect(measured.map(({ link }) => link)).toEqual(['loopback', '25ms']);
    for (const { results } of measured) expect(results.get(contender)?.wallMs).toBeGreaterThan(0);
  });

  it('leaves no bucket behind', () => {
    const count = (name: string): number => server.requests.filter(({ operation }) => operation === name).length;
    expect(count('CreateBucket')).toBeGreaterThan(0);
    expect(count('DeleteBucket')).toBe(count('CreateBucket'));
  });
});
