import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ProcessGroup, runToEnd } from '../../../dev/servers/process-group.ts';

const onPosix = process.platform === 'win32' ? describe.skip : describe;
const stdio = 'ignore';
let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'process-group-test-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

async function waitFor(file: string): Promise<void> {
  const isThere = () =>
    access(join(cwd, file)).then(
      () => true,
      () => false,
    );
  while (!(await isThere())) await setTimeout(10);
}

/** A shell with a child that reports when it starts, and when it is asked to end. */
const PARENT = '(trap "touch child-ended; exit" TERM; touch child-started; sleep 60 & wait) & wait';

onPosix('a program', () => {
  it('ends together with every process that it started', async () => {
    {
      await using _group = new ProcessGroup('sh', ['-c', PARENT], { cwd, stdio });
      await waitFor('child-started');
    }
    await waitFor('child-ended');
  });

  it.each([
    ['exit 3', 3],
    ['kill -KILL $$', 'SIGKILL'],
  ])('reports how it ended: %s', async (command, end) => {
    const { signal } = new AbortController();
    expect(await runToEnd('sh', ['-c', command], { cwd, stdio, cancelled: signal })).toBe(end);
  });

  it('ends when it is cancelled', async () => {
    const cancellation = new AbortController();
    const end = runToEnd('sh', ['-c', PARENT], { cwd, stdio, cancelled: cancellation.signal });
    await waitFor('child-started');
    cancellation.abort(new Error('cancelled'));
    await expect(end).rejects.toThrow('cancelled');
    await waitFor('child-ended');
  });

  it('is not started if it was cancelled before', async () => {
    await expect(
      runToEnd('sh', ['-c', PARENT], { cwd, stdio, cancelled: AbortSignal.abort(new Error('cancelled')) }),
    ).rejects.toThrow('cancelled');
  });
});
