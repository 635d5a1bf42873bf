import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { builtinModules, createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type InputOptions, type OutputChunk, type OutputOptions, type RolldownBuild, rolldown } from 'rolldown';
import { minify } from 'rolldown/utils';
import { licensesOf } from './licenses.ts';

// Builds dist/ in three steps. First rolldown bundles with tree-shaking, since ncc would resolve the SDK to CommonJS,
// which can't be tree-shaken. It makes one chunk of the code that every start needs, and others of the code that is
// imported on demand. Then ncc turns that into CommonJS, which Node loads faster than ES modules. Last, the code that
// ncc added is minified. ncc no longer sees the packages, so the licences are those of the modules that rolldown
// bundled.

const WORK = join('node_modules', '.cache', 'package');
const DIST = 'dist';
const PROGRAM = 'program.js';
/**
 * A shell reads this first and passes the file to Node, which takes the second line for a string and a comment.
 * Without `--`, Node takes an `--env-file` anywhere on the command line for its own, and exits if there is no such
 * file: https://github.com/nodejs/node/issues/54232. Alpine's env has no `-S`.
 */
const SHELL = `#!/usr/bin/env sh
':' //; exec node -- "$0" "$@"
`;

const MOST_BYTES = 1_200_000;
const MOST_ENTRY_BYTES = 200_000;

/** Gives each built-in module one name, whichever way it is imported. */
const BUILT_IN = Object.fromEntries(builtinModules.map((name) => [name, `node:${name}`]));

const BUNDLED: InputOptions = {
  input: { index: 'src/entries.ts' },
  platform: 'node',
  // The program is exported; the entries that load it are written below.
  preserveEntrySignatures: 'allow-extension',
  // The oldest Node that the command line runs on.
  transform: { target: 'node22.12' },
  resolve: { mainFields: ['module', 'main'], alias: BUILT_IN },
  treeshake: {
    // Importing these has no side effects, although their packages do not say so.
    moduleSideEffects: [
      { test: /^node:/, sideEffects: false },
      { test: /node_modules[\\/](@actions|undici|tunnel)[\\/]/, sideEffects: false },
    ],
  },
};

const OUTPUT: OutputOptions = { format: 'esm', minify: true, chunkFileNames: '[name].js' };

/** The chunk that every step of a workflow loads. */
const ACTION = 'action';

/** Chunks that are loaded on demand, with the modules whose import loads them. */
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

/** Code that the SDK itself loads for profiles, SSO and so on. */
const PROVIDERS = 'providers';
const START_UP = 'start-up';

await rm(WORK, { recursive: true, force: true });
const moduleIds = await bundle(join(WORK, 'bundled'));
await ncc('build', join(WORK, 'bundled', 'index.js'), '-o', join(WORK, 'dist'));
await publish(await licensesOf(moduleIds));
await report();

/** @returns the ids of the bundled modules */
async function bundle(directory: string): Promise<string[]> {
  const build = await rolldown(BUNDLED);
  const parts = await partsOf(build);
  const { output } = await build.write({
    ...OUTPUT,
    dir: directory,
    codeSplitting: {
      groups: [{ name: (id: string) => parts.get(id) ?? PROVIDERS, debugName: 'parts' }],
      includeDependenciesRecursively: false,
    },
  });
  await build.close();
  // Overrides the project's `type: module`, so that ncc makes CommonJS of it.
  await writeFile(join(directory, 'package.json'), '{}\n');
  return output.filter(isChunk).flatMap(({ moduleIds }) => moduleIds);
}

/**
 * The part of the bundle that each module belongs to. By default, rolldown makes a file for every dynamic import and
 * for any code that two of them share.
 */
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

/** The modules of these chunks and of all chunks that they import statically. */
function modulesLoadedBy(names: readonly string[], chunks: ReadonlyMap<string, OutputChunk>): ReadonlySet<string> {
  const loaded = new Set(names);
  // Iterating over a set also visits members that are added meanwhile.
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

/** Written so that any Node can parse it: the program is loaded only after the version was checked. */
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

/** Prints the sizes, and fails if the bundle is too large to be downloaded, or its entry to be loaded, in every job. */
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
