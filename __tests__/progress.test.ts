import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Log } from '../src/ports.ts';
import { Progress, type Transfer } from '../src/progress.ts';
import { ManualClock } from './support/manual-clock.ts';

const MB = 1e6;

let clock: ManualClock;
/** Everything written, in order: log lines and, after `> `, the contents of the live line. */
let written: string[];
let log: Log;
beforeEach(() => {
  clock = new ManualClock();
  written = [];
  const write = (line: string) => void written.push(line);
  log = { info: write, warning: (line) => write(`warning: ${line}`), debug: write };
});

function inLog(): Progress {
  return new Progress({ clock, log });
}

function onTerminal(): Progress {
  let isShown = false;
  return new Progress({
    clock,
    log,
    liveLine: {
      show: (text) => {
        isShown = true;
        written.push(`> ${text}`);
      },
      clear: () => {
        if (isShown) written.push('> ');
        isShown = false;
      },
    },
  });
}

function filesOf(count: number, size: number): { size: number }[] {
  return Array.from({ length: count }, () => ({ size }));
}

describe('progress in a log', () => {
  it('is only the first line if the transfer takes less than ten seconds', async () => {
    await inLog().during('Uploading', [{ size: 2.1e9 }, { size: 1e9 }], async (transfer) => {
      clock.pass(9999);
      transfer.file(2.1e9).end();
    });
    expect(written).toEqual(['Uploading 2 files, 3.1 GB …']);
  });

  it('begins with the name of the package, if there are several', async () => {
    await inLog()
      .about('a\n')
      .progress.during('Restoring', filesOf(2, 5), async () => clock.pass(10_000));
    expect(written).toEqual([
      'a\\u{a}: Restoring 2 files, 10 B …',
      'a\\u{a}: Restoring: 0 of 2 files, 0 B of 10 B; the server has not answered for 10 s',
    ]);
  });

  it('is a line every ten seconds, with the rate since the last one', async () => {
    await inLog().during('Restoring', filesOf(30, 100 * MB), async (transfer) => {
      clock.pass(9000);
      for (let count = 0; count < 5; count += 1) transfer.file(100 * MB).end();
      transfer.file(100 * MB).moved(50 * MB);
      clock.pass(9000);
      transfer.file(100 * MB).end();
      transfer.file(100 * MB).end();
      clock.pass(2000);
    });
    expect(written).toEqual([
      'Restoring 30 files, 3.0 GB …',
      'Restoring: 5 of 30 files, 550.0 MB of 3.0 GB, 55.0 MB/s, 45 s left',
      'Restoring: 7 of 30 files, 750.0 MB of 3.0 GB, 20.0 MB/s, 1 min 53 s left',
    ]);
  });

  it('says how long the server has been silent, from the last byte on', async () => {
    await inLog().during('Uploading', filesOf(1, 100 * MB), async (transfer) => {
      const file = transfer.file(100 * MB);
      clock.pass(8000);
      file.moved(40 * MB);
      clock.pass(22_000);
      file.moved(1 * MB);
      clock.pass(0);
      clock.pass(6000);
      file.moved(1 * MB);
      clock.pass(4000);
    });
    expect(written.slice(1)).toEqual([
      'Uploading: 0 of 1 file, 40.0 MB of 100.0 MB, 4.0 MB/s, 15 s left',
      'Uploading: 0 of 1 file, 40.0 MB of 100.0 MB; the server has not answered for 12 s',
      'Uploading: 0 of 1 file, 40.0 MB of 100.0 MB; the server has not answered for 22 s',
      'Uploading: 0 of 1 file, 42.0 MB of 100.0 MB, 200.0 KB/s, 4 min 50 s left',
    ]);
  });

  it('counts the retries since the last line', async () => {
    const progress = inLog();
    progress.retried();
    await progress.during('Copying', filesOf(2, 10 * MB), async (transfer) => {
      for (const _ of [1, 2, 3]) progress.retried();
      clock.pass(9000);
      transfer.file(10 * MB).end();
      clock.pass(1000);
      progress.retried();
      clock.pass(10_000);
      clock.pass(10_000);
    });
    expect(written.slice(1)).toEqual([
      'Copying: 1 of 2 files, 10.0 MB of 20.0 MB, 1.0 MB/s, 10 s left; 3 requests tried again',
      'Copying: 1 of 2 files, 10.0 MB of 20.0 MB; 1 request tried again; the server has not answered for 11 s',
      'Copying: 1 of 2 files, 10.0 MB of 20.0 MB; the server has not answered for 21 s',
    ]);
  });

  it('says that files are being hashed', async () => {
    await inLog().during('Uploading', filesOf(1, 1e10), async (transfer) => {
      const file = transfer.file(1e10);
      for (let count = 0; count < 40; count += 1) {
        clock.pass(500);
        file.hashed(250 * MB);
      }
      clock.pass(8000);
      file.moved(90 * MB);
      clock.pass(2000);
      clock.pass(10_000);
    });
    expect(written.slice(1)).toEqual([
      'Uploading: 0 of 1 file, 0 B of 10.0 GB; hashed 4.8 GB',
      'Uploading: 0 of 1 file, 0 B of 10.0 GB; hashed 9.8 GB',
      'Uploading: 0 of 1 file, 90.0 MB of 10.0 GB, 9.0 MB/s, 18 min 22 s left; hashed 10.0 GB',
      'Uploading: 0 of 1 file, 90.0 MB of 10.0 GB; the server has not answered for 12 s',
    ]);
  });

  it('takes back bytes that must be moved again, and counts each file in full at the end', async () => {
    await inLog().during('Uploading', filesOf(2, 10 * MB), async (transfer) => {
      const file = transfer.file(10 * MB);
      file.moved(8 * MB);
      clock.pass(9000);
      file.moved(1 * MB);
      file.moved(-9 * MB);
      clock.pass(9000);
      // The refusal of its second attempt comes too late to take its bytes back.
      file.moved(9 * MB);
      file.moved(9 * MB);
      clock.pass(9000);
      file.end();
      clock.pass(3000);
    });
    expect(written.slice(1)).toEqual([
      'Uploading: 0 of 2 files, 0 B of 20.0 MB',
      'Uploading: 0 of 2 files, 18.0 MB of 20.0 MB, 1.8 MB/s, 2 s left',
      'Uploading: 1 of 2 files, 10.0 MB of 20.0 MB',
    ]);
  });

  it('ends with the work, even if it fails', async () => {
    const failing = inLog().during('Copying', filesOf(1, 1), async () => {
      throw new Error('failed');
    });
    await expect(failing).rejects.toThrow('failed');
    expect(clock.timerCount).toBe(0);
    expect(await inLog().during('Copying', filesOf(1, 1), async () => 'result')).toBe('result');
    expect(clock.timerCount).toBe(0);
  });

  it('is nothing if there are no files', async () => {
    await inLog().during('Restoring', [], async () => clock.pass(60_000));
    expect(written).toEqual([]);
  });

  it('ends at once when stopped, and does not start again', async () => {
    const progress = inLog();
    await progress.during('Uploading', filesOf(1, MB), async () => {
      progress.stop();
      expect(clock.timerCount).toBe(0);
      clock.pass(60_000);
    });
    await progress.during('Copying', filesOf(1, MB), async () => clock.pass(60_000));
    expect(written).toEqual(['Uploading 1 file, 1.0 MB …']);
  });
});

describe('progress on a terminal', () => {
  it('is one line that is rewritten four times a second, and cleared at the end', async () => {
    await onTerminal().during('Uploading', filesOf(2, 10 * MB), async (transfer) => {
      clock.pass(250);
      transfer.file(10 * MB).moved(MB);
      clock.pass(500);
    });
    expect(written).toEqual([
      'Uploading 2 files, 20.0 MB …',
      '> Uploading: 0 of 2 files, 0 B of 20.0 MB',
      '> Uploading: 0 of 2 files, 1.0 MB of 20.0 MB, 2.0 MB/s, 10 s left',
      '> Uploading: 0 of 2 files, 1.0 MB of 20.0 MB, 1.3 MB/s, 15 s left',
      '> ',
    ]);
  });

  it('shows the rate of the last ten seconds, and all retries', async () => {
    const progress = onTerminal();
    const seconds = async (transfer: Transfer): Promise<void> => {
      const file = transfer.file(1000 * MB);
      file.moved(100 * MB);
      progress.retried();
      for (let count = 0; count < 12; count += 1) {
        clock.pass(1000);
        file.moved(MB);
      }
      progress.retried();
      clock.pass(250);
    };
    await progress.during('Restoring', filesOf(1, 1000 * MB), seconds);
    expect(written.at(-2)).toBe(
      '> Restoring: 0 of 1 file, 112.0 MB of 1.0 GB, 1.0 MB/s, 14 min 48 s left; 2 requests tried again',
    );
  });

  it('is cleared before a line of the log is written', async () => {
    const progress = onTerminal();
    await progress.during('Copying', filesOf(1, MB), async () => {
      progress.log.warning('one');
      clock.pass(250);
      progress.log.warning('two');
      progress.log.debug('three');
      clock.pass(250);
      progress.log.info('four');
    });
    const line = '> Copying: 0 of 1 file, 0 B of 1.0 MB';
    expect(written).toEqual([
      'Copying 1 file, 1.0 MB …',
      'warning: one',
      line,
      '> ',
      'warning: two',
      'three',
      line,
      '> ',
      'four',
    ]);
  });

  it('is cleared when the work fails, and at once when stopped', async () => {
    const progress = onTerminal();
    const failing = progress.during('Copying', filesOf(1, MB), async () => {
      clock.pass(250);
      throw new Error('failed');
    });
    await expect(failing).rejects.toThrow('failed');
    expect(written.at(-1)).toBe('> ');
    await progress.during('Copying', filesOf(1, MB), async () => {
      clock.pass(250);
      progress.stop();
      expect(written.at(-1)).toBe('> ');
      clock.pass(5000);
    });
    expect(written.at(-1)).toBe('> ');
    expect(clock.timerCount).toBe(0);
  });
});
