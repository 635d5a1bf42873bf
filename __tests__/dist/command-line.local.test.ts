import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Scenario } from '../support/scenario.ts';

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

it('Ctrl-C ends an upload, which reports what is kept, and the next upload goes on from there', async () => {
  await scenario.build({ 'a.txt': 'a', 'b.txt': 'b' });
  let interrupt = (): void => {};
  scenario.bucket.server.fault = ({ operation, key }) => {
    if (operation !== 'PutObject' || !key?.endsWith('/b.txt')) return undefined;
    interrupt();
    return { kind: 'delay', ms: 30_000 };
  };
  const onStart = (_: number, kill: (signal: NodeJS.Signals) => void): void => {
    interrupt = () => kill('SIGINT');
  };
  const { exitCode, stdout, stderr } = await scenario.cli(['upload', '--json', '--concurrency', '1'], { onStart });
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(
    /^error: The step was cancelled \(SIGINT\): what was stored so far is kept, and the next upload goes on from there$/m,
  );
  scenario.bucket.server.fault = undefined;
  expect(await scenario.cli(['upload', '--json'])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('"reason":"resumed"'),
  });
});
