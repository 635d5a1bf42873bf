import { execFile } from 'node:child_process';
import { cp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type InputOptions, rolldown } from 'rolldown';
import { licensesOf } from './licenses.ts';

// Builds dist/ in two steps. ncc resolves the SDK to CommonJS, which can't be tree-shaken, so rolldown bundles first:
// tree-shaken, minified, one chunk for each `import()`. ncc then makes the action's dist/ of that, but no longer knows
// the packages; so the licences are those of the modules that rolldown took in.

const WORK = join('node_modules', '.cache', 'package');
const DIST = 'dist';
const MOST_BYTES = 1_000_000;

const BUNDLED: InputOptions = {
  input: 'src/index.ts',
  platform: 'node',
  resolve: { mainFields: ['module', 'main'] },
  treeshake: {
    // These do nothing when imported, though their packages do not say so.
    moduleSideEffects: [
      { test: /^node:/, sideEffects: false },
      { test: /node_modules[\\/](@actions|undici|tunnel)[\\/]/, sideEffects: false },
    ],
  },
};

await rm(WORK, { recursive: true, force: true });
const moduleIds = await bundle(join(WORK, 'bundled'));
await ncc('build', join(WORK, 'bundled', 'index.js'), '-o', join(WORK, 'dist'));
await publish(await licensesOf(moduleIds));
await report();

/** @returns the modules that went in */
async function bundle(directory: string): Promise<string[]> {
  const build = await rolldown(BUNDLED);
  const { output } = await build.write({ dir: directory, format: 'esm', minify: true, chunkFileNames: '[name].js' });
  await build.close();
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }\n');
  return output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
}

async function ncc(...args: readonly string[]): Promise<void> {
  const cli = createRequire(import.meta.url).resolve('@vercel/ncc/dist/ncc/cli.js');
  await promisify(execFile)(process.execPath, [cli, ...args, '--quiet', '--no-cache']);
}

async function publish(licenses: string): Promise<void> {
  await rm(DIST, { recursive: true, force: true });
  await cp(join(WORK, 'dist'), DIST, { recursive: true });
  await writeFile(join(DIST, 'licenses.txt'), licenses);
}

/** Prints the sizes, and refuses a bundle that has grown past what a download for every job can bear. */
async function report(): Promise<void> {
  const files = await readdir(DIST);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(DIST, file))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`dist/: ${files.length} files, ${total} bytes, of which index.js ${sizes[files.indexOf('index.js')]}`);
  if (total > MOST_BYTES) throw new Error(`dist/ has ${total} bytes: at most ${MOST_BYTES} are allowed`);
}
