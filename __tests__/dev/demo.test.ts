import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { shownLines } from '../../dev/demo/log-lines.ts';
import { Stage } from '../../dev/demo/stage.ts';
import { machineEnvironment } from '../../dev/run-action.ts';

const DEMO = resolve(import.meta.dirname, '..', '..', 'dev', 'demo.ts');

const STORY = [
  /^Commit (?<first>\w{7}), “Say hello”/,
  /^ {2}check$/,
  /^ {4}Nothing is stored at s3:\/\/my-assets\/artifacts\//,
  /^ {4}→ found=false {2}source=none {2}reason=absent$/,
  /^ {4}4 requests \(2 GetObject, 2 ListObjectsV2\), 0 B sent, \d+ ms$/,
  /^ {2}upload$/,
  /^ {4}Stored 2 files, 2\.2 MB, at /,
  /^ {4}→ uploaded=true {2}cached=true/,
  /^The same commit again/,
  /^ {4}→ found=true {2}source=artifact/,
  /^ {4}2 requests \(1 GetObject, 1 ListObjectsV2\)/,
  /^ {4}→ found=true {2}uploaded=false {2}reason=marker$/,
  /^ {4}2 requests \(1 GetObject, 1 ListObjectsV2\)/,
  /^Commit \w{7}, “Describe the app”/,
  /^ {4}→ found=true {2}source=cache {2}cache-hit=true {2}built-from-commit=[0-9a-f]{40}$/,
  /^ {4}\d+ requests \(2 CopyObject, /,
  /^Commit \w{7}, “Say goodbye”/,
  /^ {4}→ found=false {2}source=none/,
  /^4 checks, of which 2 asked for a build:$/,
  /^Every step ended as expected\./,
];

describe('the demo', () => {
  let temporary: string;
  beforeEach(async () => {
    temporary = await mkdtemp(join(tmpdir(), 's3-asset-manager-demo-test-'));
  });
  afterEach(() => rm(temporary, { recursive: true, force: true }));

  function start(env: Readonly<Record<string, string>> = {}) {
    const directories = { TMPDIR: temporary, TEMP: temporary, TMP: temporary };
    return spawn(process.execPath, [DEMO], { env: { ...machineEnvironment(), ...directories, ...env } });
  }

  async function end(demo: ReturnType<typeof start>) {
    const closed = new Promise((done) => demo.on('close', done));
    const [exitCode, stdout, stderr] = await Promise.all([closed, text(demo.stdout), text(demo.stderr)]);
    return { exitCode, stderr, lines: stdout.split(/\r?\n/), left: await readdir(temporary) };
  }

  it('tells the story, ends well and leaves nothing behind', async () => {
    const { lines, ...ending } = await end(start());
    expect(ending).toEqual({ exitCode: 0, stderr: '', left: [] });
    expect(lines.join('\n')).not.toContain('::');
    let next = 0;
    for (const part of STORY) {
      const index = lines.findIndex((line, at) => at >= next && part.test(line));
      expect([part, index]).not.toEqual([part, -1]);
      next = index + 1;
    }
  });

  it('fails and leaves nothing behind if a step goes wrong', async () => {
    const { lines, ...ending } = await end(start({ PATH: temporary }));
    expect(ending).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(/The demo failed: git init .* is git installed/),
      left: [],
    });
    expect(lines.join('\n')).not.toContain('Every step ended as expected');
  });

  it('fails if an output differs from the story', async () => {
    const print = jest.spyOn(console, 'log').mockImplementation(() => {});
    await using stage = await Stage.open(new AbortController().signal);
    const commit = await stage.repository.commit('first', { 'src/a.txt': 'a' });
    await expect(stage.play({ mode: 'check', commit, expected: { found: 'true' } })).rejects.toThrow(
      "check set found to 'false' instead of 'true'",
    );
    const wrong = { mode: 'check', commit, expected: {}, requests: { GetObject: 7 } } as const;
    await expect(stage.play(wrong)).rejects.toThrow('check sent 1 GetObject instead of 7');
    print.mockRestore();
  });

  const onPosix = process.platform === 'win32' ? it.skip : it;
  onPosix.each(['An S3 server', '  check', '  upload'])(
    'leaves nothing behind when cancelled at %j',
    async (moment) => {
      const demo = start();
      demo.stdout.on('data', (output) => String(output).includes(moment) && demo.kill('SIGINT'));
      const { exitCode, left, stderr } = await end(demo);
      expect({ exitCode, left, stderr }).toEqual({ exitCode: 130, left: [], stderr: '\nThe demo was cancelled.\n' });
    },
  );

  onPosix('leaves nothing behind if its reader goes away', async () => {
    const demo = start();
    demo.stdout.once('data', () => demo.stdout.destroy());
    const exitCode = await new Promise((done) => demo.on('close', done));
    expect({ exitCode, left: await readdir(temporary) }).toEqual({ exitCode: 1, left: [] });
  });
});

describe('shownLines', () => {
  it('shows annotations as a runner does, and hides what a runner hides', () => {
    const lines = [
      'plain',
      '::debug::hidden',
      '::add-mask::secret',
      '::warning file=a.ts::50%25 off',
      '::error::no%0Ago',
    ];
    expect(shownLines(lines)).toEqual(['plain', 'Warning: 50% off', 'Error: no\ngo']);
  });
});
