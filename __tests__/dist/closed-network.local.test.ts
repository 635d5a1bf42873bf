import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Scenario } from '../support/scenario.ts';

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

it('a network that drops every packet is reported within five seconds if no region is given, with advice to set aws-region', async () => {
  // A proxy that takes connections and never answers.
  const hole = createServer((socket) => socket.resume());
  await new Promise<void>((done) => hole.listen(0, '127.0.0.1', done));
  const address = hole.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const env = { HOME: scenario.root, HTTPS_PROXY: `http://127.0.0.1:${port}` };
  const startedMs = performance.now();
  const { lines, exitCode } = await scenario.action('check', { 'endpoint-url': '', 'aws-region': '' }, { env });
  expect(performance.now() - startedMs).toBeLessThan(5000);
  hole.close();
  expect(exitCode).toBe(1);
  expect(lines.filter((line) => line.startsWith('::error'))).toEqual([
    expect.stringMatching(
      /Could not find the region of s3:\/\/.*, since .* can't be reached \(.*\): set aws-region, or/,
    ),
  ]);
});
