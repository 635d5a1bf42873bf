import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
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
const PROGRAM = 'program.js';
/**
 * Read by a shell first, which hands the file on to Node, for which the second line is a text and a comment. Node by
 * itself takes an `--env-file` for its own wherever it stands, and ends where there is no such file, unless `--` goes
 * before: https://github.com/nodejs/node/issues/54232. Alpine's env takes no `-S`.
 */
const SHELL = `#!/usr/bin/env sh
':' //; exec node -- "$0" "$@"
`;

const MOST_BYTES = 1_200_000;
const MOST_ENTRY_BYTES = 200_000;

/** One name for each module of Node's, by whichever it is imported. */
const BUILT_IN = Object.fromEntries(builtinModules.map((name) => [name, `node:${name}`]));

const BUNDLED: InputOptions = {
  input: { index: 'src/entries.ts' },
  platform: 'node',
  // The program is exported; its entries are written below.
  preserveEntrySignatures: 'allow-extension',
  // The oldest Node that the command line runs on.
  transform: { target: 'node22.12' },
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

/** What every step of a workflow loads. */
const ACTION = 'action';

/** What is loaded when it is needed, by the modules that are imported then. */
const SEAMS = {
  [ACTION]: ['src/action.ts'],
  'command-line': ['src/cli.ts', 'src/inputs/help.ts'],
  'code-hash': [
    'src/code-hash/checked-out.ts',
    'src/code-hash/git.ts',
    'src/code-hash/git-entries.ts',
    'src/code-hash/md5.ts',
    'src/modes/explain.ts',
    'src/asset-set/sources.ts',
    'src/code-hash/shared-entries.ts',
  ],
  packages: ['src/inputs/packages.ts', 'src/modes/packages.ts'],
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
  const [action, cli] = ['src/action.ts', 'src/cli.ts'].map((root) =>
    modulesLoadedBy([nameOfChunkWith(root, chunks.values())], chunks),
  );
  const startUp = [...modulesLoadedBy(['index.js'], chunks), ...[...(action ?? [])].filter((id) => cli?.has(id))];
  const parts = new Map([...startUp].map((id) => [id, START_UP]));
  for (const [seam, roots] of Object.entries(SEAMS)) {
    const names = roots.map((root) => nameOfChunkWith(root, chunks.values()));
    for (const id of modulesLoadedBy(names, chunks)) {
      const other = parts.get(id);
      if (other === undefined) parts.set(id, seam);
      else if (other !== START_UP && other !== ACTION) parts.set(id, id.includes('node_modules') ? 'sdk' : 'shared');
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
  await rename(join(DIST, 'index.js'), join(DIST, PROGRAM));
  await writeFile(join(DIST, 'index.js'), entry('action'));
  await writeFile(join(DIST, 'cli.js'), SHELL + entry('cli'), { mode: 0o755 });
  await writeFile(join(DIST, 'package.json'), '{ "type": "commonjs" }\n');
  await writeFile(join(DIST, 'licenses.txt'), licenses);
}

/** In words that any Node understands: what an older one can't parse is loaded after it was looked at. */
function entry(name: 'action' | 'cli'): string {
  return `'use strict';
var parts = process.versions.node.split('.');
if (+parts[0] > 22 || (+parts[0] === 22 && +parts[1] >= 12)) {
  require('./${PROGRAM}').${name}();
} else {
  console.error('This is Node ' + process.versions.node + ', and s3-asset-manager needs 22.12 or newer: install a newer Node');
  process.exitCode = 1;
}
`;
}

/** Prints the sizes, and refuses a bundle that has grown past what a download, and a start, for every job can bear. */
async function report(): Promise<void> {
  const files = await readdir(DIST);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(DIST, file))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const programBytes = sizes[files.indexOf(PROGRAM)] ?? 0;
  console.log(`dist/: ${files.length} files, ${total} bytes, of which ${PROGRAM} ${programBytes}`);
  if (total > MOST_BYTES) throw new Error(`dist/ has ${total} bytes: at most ${MOST_BYTES} are allowed`);
  if (programBytes > MOST_ENTRY_BYTES)
    throw new Error(
      `dist/${PROGRAM} has ${programBytes} bytes: at most ${MOST_ENTRY_BYTES} are allowed, so import what not every check needs when it is needed`,
    );
}
