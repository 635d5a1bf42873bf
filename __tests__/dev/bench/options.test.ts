import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { WORKS } from '../../../dev/bench/catalog.ts';
import { LINK_NAMES } from '../../../dev/bench/link.ts';
import { parseOptions } from '../../../dev/bench/options.ts';
import { SERVERS } from '../../../dev/servers/catalog.ts';

describe('the options', () => {
  it('are everything, five times, by default', () => {
    const { works, runs, server, links, isFull } = parseOptions([]);
    expect(works).toBe(WORKS);
    expect({ runs, server: server.id, links, isFull }).toEqual({
      runs: 5,
      server: 'versitygw',
      links: ['loopback', '25ms', '2gbit'],
      isFull: true,
    });
  });

  it('choose works, links and a server', () => {
    const { works, links, server } = parseOptions([
      '--only',
      'growth,check-hit',
      '--link',
      '2gbit',
      '--server',
      'minio',
    ]);
    expect(works.map(({ name }) => name)).toEqual(['check-hit', 'growth']);
    expect(links).toEqual(['2gbit']);
    expect(server.id).toBe('minio');
  });

  it('run once with --quick, or as often as --runs says', () => {
    expect(parseOptions(['--quick']).runs).toBe(1);
    expect(parseOptions(['--quick', '--runs', '3']).runs).toBe(3);
  });

  it.each([['--only', 'check-hit'], ['--quick'], ['--link', 'loopback'], ['--runs', '4']])(
    'give no result for the documentation with %j %j',
    (...args) => {
      expect(parseOptions(args).isFull).toBe(false);
    },
  );

  it.each([
    [['--only', 'lunch'], '--only has'],
    [['--link', 'modem'], '--link has'],
    [['--server', 'ceph'], '--server has'],
    [['--runs', '0'], '--runs is'],
    [['--runs', 'many'], '--runs is'],
  ])('refuse %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});

describe('the documentation', () => {
  it('names every work, link and server', async () => {
    const page = await readFile('docs/internals/performance.md', 'utf8');
    for (const name of [...WORKS.map((work) => work.name), ...LINK_NAMES, ...SERVERS.map(({ id }) => id)])
      expect(page).toMatch(new RegExp(`(\`|--server )${name}\``));
  });

  it('gives commands that the options accept', async () => {
    const page = await readFile('docs/internals/performance.md', 'utf8');
    const commands = [...page.matchAll(/^npm run bench(?: --(.*))?$/gm)].map(([, args = '']) => args.trim());
    expect(commands.length).toBeGreaterThan(1);
    for (const args of commands) expect(parseOptions(args.split(' ').filter(Boolean)).works).not.toEqual([]);
  });
});
