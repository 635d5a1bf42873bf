import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { RunningServer } from '../../../dev/servers/running-server.ts';
import type { LaunchPlace, ServerDefinition } from '../../../dev/servers/server-definition.ts';

const onPosix = process.platform === 'win32' ? describe.skip : describe;
const { signal } = new AbortController();

/** Stores nothing at first. */
const SERVER = `
  let count = 0;
  require('node:http').createServer((_, reply) => {
    reply.statusCode = count++ < 2 ? 503 : 200;
    reply.end(require('node:os').tmpdir());
  }).listen(process.argv[1], '127.0.0.1');`;

/** A server that Node runs. @param onLaunch gets the path of its program */
function nodeServer(script: string, onLaunch: (place: LaunchPlace) => void = () => {}): ServerDefinition {
  return {
    id: 'fake',
    name: 'Fake',
    version: '1',
    program: 'node',
    install: () => ({ program: 'go', args: [] }),
    launch: (place) => {
      onLaunch(place);
      return { args: ['-e', script, String(place.ports[0])] };
    },
  };
}

onPosix('a server', () => {
  it('is ready once it can store, and is gone with its data once it is disposed', async () => {
    let dataDirectory = '';
    let endpoint = '';
    const server = nodeServer(SERVER, (place) => {
      dataDirectory = place.dataDirectory;
    });
    {
      await using running = await RunningServer.start(server, process.execPath, { cancelled: signal });
      endpoint = running.endpoint;
      const reply = await fetch(endpoint);
      expect(reply.status).toBe(200);
      expect(await reply.text()).toBe(dirname(dataDirectory));
      await access(dataDirectory);
    }
    await expect(fetch(endpoint)).rejects.toThrow('fetch failed');
    await expect(access(dataDirectory)).rejects.toThrow('ENOENT');
  });

  it('that ends at once is reported with the end of its log', async () => {
    const start = RunningServer.start(nodeServer('console.log("no room"); process.exit(1)'), process.execPath, {
      cancelled: signal,
    });
    await expect(start).rejects.toThrow('Fake did not start. The end of its log:\nno room');
  });

  it('is no longer waited for after a cancellation', async () => {
    const start = RunningServer.start(nodeServer('setInterval(() => {}, 1000)'), process.execPath, {
      cancelled: AbortSignal.timeout(500),
    });
    await expect(start).rejects.toThrow('timeout');
  });
});
