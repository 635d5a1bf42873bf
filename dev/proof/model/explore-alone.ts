import { explore } from './explore.ts';

// node explore-alone.ts <interleavings> <seed>: prints what came of it as JSON. Runs in a copy that a guard was taken from.

const [, , interleavings, seed] = process.argv;
const { tried, promise } = await explore({ interleavings: Number(interleavings), seed: Number(seed) });
process.stdout.write(JSON.stringify({ tried, violation: promise }));
process.exit();
