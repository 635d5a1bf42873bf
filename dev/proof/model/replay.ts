import { explore } from './explore.ts';

// node dev/proof/model/replay.ts <seed> <path>: repeats the interleaving in the report of a violation, and prints its
// events.

const [, , seed, path] = process.argv;
if (seed === undefined || path === undefined) throw new Error('Give the seed and the path that a violation names');
const { violation } = await explore({ interleavings: 1, seed: Number(seed), path });
console.log(violation ?? 'Nothing is wrong with it.');
process.exitCode = violation === undefined ? 0 : 1;
