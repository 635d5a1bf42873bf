import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, request, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { startDelayingProxy } from '../../../dev/bench/delaying-proxy.ts';

function portOf(server: Pick<Server, 'address'>): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error(`a TCP server listens on ${address}`);
  return address.port;
}

/** A server that sends back what it is sent, and a client on the other side of the proxy that keeps its connection. */
async function openLink(roundTripMs: number) {
  await using resources = new AsyncDisposableStack();
  const echo = resources.use(createServer((incoming, reply) => void incoming.pipe(reply)));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const proxy = resources.use(await startDelayingProxy({ port: portOf(echo), roundTripMs }));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  resources.defer(async () => agent.destroy());
  const open = resources.move();
  return { agent, port: portOf(proxy), [Symbol.asyncDispose]: () => open.disposeAsync() };
}

async function exchange({ agent, port }: { agent: Agent; port: number }, body: Uint8Array) {
  const startedMs = performance.now();
  const sent = request({ agent, port, host: '127.0.0.1', method: 'POST' });
  sent.end(body);
  const [reply] = await once(sent, 'response');
  const received = await buffer(reply);
  return { received, tookMs: performance.now() - startedMs };
}

describe('the delaying proxy', () => {
  it('passes on every byte in both directions', async () => {
    await using link = await openLink(2);
    const body = randomBytes(8_000_000);
    const { received } = await exchange(link, body);
    expect(received.equals(body)).toBe(true);
  });

  it('adds a round trip to each exchange, and two if the connection has to be set up', async () => {
    await using link = await openLink(60);
    const first = await exchange(link, Buffer.from('a'));
    const second = await exchange(link, Buffer.from('b'));
    expect(first.tookMs).toBeGreaterThanOrEqual(120);
    expect(second.tookMs).toBeGreaterThanOrEqual(60);
  });

  it('passes on a broken connection', async () => {
    await using link = await openLink(1);
    const gone = await openLink(1);
    await gone[Symbol.asyncDispose]();
    await using proxy = await startDelayingProxy({ port: gone.port, roundTripMs: 1 });
    await expect(exchange({ agent: link.agent, port: portOf(proxy) }, Buffer.from('a'))).rejects.toThrow();
  });
});
