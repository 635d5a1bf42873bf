import { once } from 'node:events';
import { createServer } from 'node:net';

/** @returns two different ports of 127.0.0.1 that nothing listens on */
export async function findTwoFreePorts(): Promise<[number, number]> {
  await using first = await listen();
  await using second = await listen();
  return [first.port, second.port];
}

async function listen(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error(`a TCP server listens on ${address}`);
  return { port: address.port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
