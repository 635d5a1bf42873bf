import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { DelayLine } from './delay-line.ts';

/** What may be on its way in one direction of a connection: enough for 2.5 GB/s at 25 ms there and back. */
const MOST_BYTES_UNDER_WAY = 32 * 1024 ** 2;

export interface ProxyOptions {
  /** The port of 127.0.0.1 that is passed on to. */
  readonly port: number;
  /** There and back. */
  readonly roundTripMs: number;
}

/**
 * A TCP proxy that is as far away as a round trip of so many milliseconds, and has no limit of bandwidth: what it is
 * sent it passes on half a round trip later, in both directions, and a new connection's first bytes wait for one round
 * trip more, which is what it takes to set up a connection.
 *
 * @returns once it listens, on a free port of 127.0.0.1
 */
export async function startDelayingProxy({ port, roundTripMs }: ProxyOptions): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const target = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const delayMs = roundTripMs / 2;
    pass(client, target, new DelayLine({ delayMs, notBeforeMs: performance.now() + roundTripMs + delayMs }));
    pass(target, client, new DelayLine({ delayMs, notBeforeMs: 0 }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function pass(from: Socket, to: Socket, line: DelayLine): void {
  from.on('data', (bytes: Buffer) => {
    line.add(bytes.length, () => {
      to.write(bytes);
      resumeWhereRoom();
    });
    if (isFull()) from.pause();
  });
  to.on('drain', resumeWhereRoom);
  from.on('end', () => line.add(0, () => to.end()));
  from.on('error', () => line.add(0, () => to.destroy()));
  from.on('close', () => line.add(0, () => to.destroySoon()));

  function isFull(): boolean {
    return line.sizeBytes + to.writableLength > MOST_BYTES_UNDER_WAY;
  }

  function resumeWhereRoom(): void {
    if (!isFull()) from.resume();
  }
}
