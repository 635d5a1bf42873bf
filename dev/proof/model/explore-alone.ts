import { explore } from './explore.ts';

// node explore-alone.ts <interleavings> <seed>: prints the result as JSON. Runs in a copy with one guard removed.

const [, , interleavings, seed] = process.argv;
const { tried, promise } = await explore({ interleavings: Number(interleavings), seed: Number(seed) });
process.stdout.write(JSON.stringify({ tried, violation: promise }));
process.exit();
