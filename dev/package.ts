import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { builtinModules, createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type InputOptions, type OutputChunk, type OutputOptions, type RolldownBuild, rolldown } from 'rolldown';
import { minify } from 'rolldown/utils';
import { licensesOf } from './licenses.ts';

// Builds dist/ in three steps. ncc resolves the SDK to CommonJS, which can't be tree-shaken, so rolldown bundles first:
// tree-shaken, one chunk of what every start needs, others for what is imported when it is needed. ncc then makes the
// action's dist/ of that, as CommonJS, which Node loads faster than modules; what it adds is minified last. It no longer
// knows the packages, so the licences are those of the modules that rolldown took in.

const WORK = join('node_modules', '.cache', 'package');
const DIST = 'dist';
const MOST_BYTES = 1_200_000;
const MOST_ENTRY_BYTES = 200_000;

/** One name for each module of Node's, by whichever it is imported. */
const BUILT_IN = Object.fromEntries(builtinModules.map((name) => [name, `node:${name}`]));

const BUNDLED: InputOptions = {
  input: { index: 'src/action.ts' },
  platform: 'node',
  // The entry exports nothing, so it need not be a chunk of its own.
  preserveEntrySignatures: false,
  resolve: { mainFields: ['module', 'main'], alias: BUILT_IN },
  treeshake: {
    // These do nothing when imported, though their packages do not say so.
    moduleSideEffects: [
      { test: /^node:/, sideEffects: false },
      { test: /node_modules[\\/](@actions|undici|tunnel)[\\/]/, sideEffects: false },
    ],
  },
};

const OUTPUT: OutputOptions = { format: 'esm', minify: true, chunkFileNames: '[name].js' };

/** What is loaded when it is needed, by the modules that are imported then. */
const SEAMS = {
  'code-hash': [
    'src/code-hash/checked-out.ts',
    'src/code-hash/git.ts',
    'src/code-hash/git-entries.ts',
    'src/code-hash/md5.ts',
  ],
  transfer: [
    'src/modes/upload.ts',
    'src/modes/restore.ts',
    'src/asset-set/plan.ts',
    'src/asset-set/promote.ts',
    'src/asset-set/signature.ts',
    'src/package-directory/scan.ts',
    'src/package-directory/open-file.ts',
    'src/package-directory/receive-file.ts',
    'src/s3/write.ts',
  ],
  patterns: ['node_modules/@actions/glob/lib/glob.js'],
  multipart: ['src/s3/multipart.ts'],
  proxy: ['src/s3/proxy.ts'],
  credentials: ['src/s3/credential-source.ts'],
};

/** What the SDK loads by itself for profiles, SSO and the like. */
const PROVIDERS = 'providers';
const START_UP = 'start-up';

await rm(WORK, { recursive: true, force: true });
const moduleIds = await bundle(join(WORK, 'bundled'));
await ncc('build', join(WORK, 'bundled', 'index.js'), '-o', join(WORK, 'dist'));
await publish(await licensesOf(moduleIds));
await report();

/** @returns the modules that went in */
async function bundle(directory: string): Promise<string[]> {
  const build = await rolldown(BUNDLED);
  const parts = await partsOf(build);
  const { output } = await build.write({
    ...OUTPUT,
    dir: directory,
    codeSplitting: {
      groups: [{ name: (id: string) => parts.get(id) ?? PROVIDERS }],
      includeDependenciesRecursively: false,
    },
  });
  await build.close();
  // Not a module's, whatever the project's own package.json says: so ncc makes CommonJS of it.
  await writeFile(join(directory, 'package.json'), '{}\n');
  return output.filter(isChunk).flatMap(({ moduleIds }) => moduleIds);
}

/** The part of the bundle that each module belongs to. Rolldown alone would make a file of every import and of what two share. */
async function partsOf(build: RolldownBuild): Promise<ReadonlyMap<string, string>> {
  const { output } = await build.generate(OUTPUT);
  const chunks = new Map(output.filter(isChunk).map((chunk) => [chunk.fileName, chunk]));
  const startUp = modulesLoadedBy(['index.js'], chunks);
  const parts = new Map([...startUp].map((id) => [id, START_UP]));
  for (const [seam, roots] of Object.entries(SEAMS)) {
    const names = roots.map((root) => nameOfChunkWith(root, chunks.values()));
    for (const id of modulesLoadedBy(names, chunks)) {
      const other = parts.get(id);
      if (other === undefined) parts.set(id, seam);
      else if (other !== START_UP) parts.set(id, id.includes('node_modules') ? 'sdk' : 'shared');
    }
  }
  return parts;
}

function nameOfChunkWith(root: string, chunks: Iterable<OutputChunk>): string {
  for (const { fileName, moduleIds } of chunks) if (moduleIds.some((id) => id.endsWith(root))) return fileName;
  throw new Error(`${root} is not part of the bundle`);
}

/** The modules of chunks and of all that those import at once. */
function modulesLoadedBy(names: readonly string[], chunks: ReadonlyMap<string, OutputChunk>): ReadonlySet<string> {
  const loaded = new Set(names);
  // A set grows while it is gone through.
  for (const name of loaded) for (const imported of chunks.get(name)?.imports ?? []) loaded.add(imported);
  return new Set([...loaded].flatMap((name) => chunks.get(name)?.moduleIds ?? []));
}

function isChunk(output: { readonly type: string }): output is OutputChunk {
  return output.type === 'chunk';
}

async function ncc(...args: readonly string[]): Promise<void> {
  const cli = createRequire(import.meta.url).resolve('@vercel/ncc/dist/ncc/cli.js');
  await promisify(execFile)(process.execPath, [cli, ...args, '--quiet', '--no-cache']);
}

async function publish(licenses: string): Promise<void> {
  await rm(DIST, { recursive: true, force: true });
  await mkdir(DIST);
  for (const file of await readdir(join(WORK, 'dist'))) {
    const { code } = await minify(file, await readFile(join(WORK, 'dist', file), 'utf8'), { module: false });
    await writeFile(join(DIST, file), code);
  }
  await writeFile(join(DIST, 'package.json'), '{ "type": "commonjs" }\n');
  await writeFile(join(DIST, 'licenses.txt'), licenses);
}

/** Prints the sizes, and refuses a bundle that has grown past what a download, and a start, for every job can bear. */
async function report(): Promise<void> {
  const files = await readdir(DIST);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(DIST, file))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const entry = sizes[files.indexOf('index.js')] ?? 0;
  console.log(`dist/: ${files.length} files, ${total} bytes, of which index.js ${entry}`);
  if (total > MOST_BYTES) throw new Error(`dist/ has ${total} bytes: at most ${MOST_BYTES} are allowed`);
  if (entry > MOST_ENTRY_BYTES)
    throw new Error(
      `dist/index.js has ${entry} bytes: at most ${MOST_ENTRY_BYTES} are allowed, so import what not every check needs when it is needed`,
    );
}
