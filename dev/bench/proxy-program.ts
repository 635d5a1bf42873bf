import { startDelayingProxy } from './delaying-proxy.ts';

// node dev/bench/proxy-program.ts PORT ROUND_TRIP_MS
// Forwards to PORT, prints the port it listens on itself, and runs until its standard input ends. A process of its own,
// so that no work of the benchmark delays it.

const [port, roundTripMs] = process.argv.slice(2).map(Number);
if (port === undefined || roundTripMs === undefined) throw new Error('give a port and a round trip in milliseconds');
const server = await startDelayingProxy({ port, roundTripMs });
const address = server.address();
if (address === null || typeof address === 'string') throw new Error(`a TCP server listens on ${address}`);
console.log(address.port);
process.stdin.on('end', () => process.exit()).resume();
