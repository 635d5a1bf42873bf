import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { DelayLine } from './delay-line.ts';

/** Most bytes in transit in one direction of a connection: enough for 2.5 GB/s at a round trip of 25 ms. */
const MOST_BYTES_UNDER_WAY = 32 * 1024 ** 2;

export interface ProxyOptions {
  /** The port of 127.0.0.1 to forward to. */
  readonly port: number;
  /** Milliseconds there and back. */
  readonly roundTripMs: number;
}

/**
 * A TCP proxy that adds a round trip of `roundTripMs`, without limiting the bandwidth. It forwards bytes half a
 * round trip later, in both directions, and delays the first bytes of a new connection by one more round trip, the
 * time it takes to set up a connection.
 *
 * @returns when it listens, on a free port of 127.0.0.1
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
