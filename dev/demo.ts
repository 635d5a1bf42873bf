import { constants } from 'node:os';
import { styleText } from 'node:util';
import { counted } from '../src/text.ts';
import type { Commit } from './demo/repository.ts';
import { BUCKET, Stage } from './demo/stage.ts';

// The action at work: the built dist/index.js, run as a runner runs it, against a real git repository and an S3 server
// on this machine. The demo checks itself: it fails if the action's outputs differ from its story.

const CACHING = { 'code-hash-filter': 'src/**' };
/** The assets of the first build. */
const ASSETS = { 'app.js': 'console.log("hello");\n'.repeat(100_000), 'functions/api.js': 'export default 1;\n' };

/** Sentences by the output `source`. */
const ANSWERS = new Map<string | undefined, string>([
  ['none', 'build'],
  ['artifact', 'built already'],
  ['cache', 'the same code was built already'],
]);

const cancellation = new AbortController();
let exitCode = 0;
// Not `once`: npm forwards a Ctrl-C to a process that has already received it from the terminal.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    exitCode = 128 + constants.signals[name];
    cancellation.abort();
  });
// The reader of the output has gone away.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => cancellation.abort());

try {
  await tellStory();
} catch (error) {
  exitCode ||= 1;
  const why = Error.isError(error) ? error.message : String(error);
  const line = cancellation.signal.aborted ? 'The demo was cancelled.' : `The demo failed: ${why}`;
  console.error(styleText('red', `\n${line}`, { stream: process.stderr }));
}
process.exitCode = exitCode;

async function tellStory(): Promise<void> {
  const startedMs = performance.now();
  console.log(`An S3 server with the bucket ${BUCKET}, a git repository, and the action between them.`);
  await using stage = await Stage.open(cancellation.signal);
  const built = await buildOnce(stage);
  await findAgain(stage, built);
  await shareWithSameCode(stage, built);
  await missAfterChange(stage);
  summarize(stage, performance.now() - startedMs);
}

async function buildOnce(stage: Stage): Promise<Commit> {
  const sources = { '.gitignore': 'packages/\n', 'src/app.js': 'console.log("hello");\n', 'README.md': '# App\n' };
  const commit = await stage.repository.commit('Say hello', sources);
  chapter(`Commit ${commit.shortId}, “${commit.message}”: nobody has built it yet.`);
  await stage.play({
    mode: 'check',
    commit,
    inputs: CACHING,
    expected: { found: 'false', source: 'none', reason: 'absent' },
    requests: { GetObject: 2, ListObjectsV2: 2 },
  });
  say(`found is not true, so the job builds: ${Object.keys(ASSETS).join(', ')}.`);
  await stage.repository.write('packages', ASSETS);
  await stage.play({
    mode: 'upload',
    commit,
    expected: { uploaded: 'true', cached: 'true', reason: 'uploaded', 'file-count': '2' },
  });
  return commit;
}

async function findAgain(stage: Stage, commit: Commit): Promise<void> {
  await nextJob(stage);
  chapter('The same commit again: a re-run, a deploy job, another workflow.');
  await stage.play({
    mode: 'check',
    commit,
    inputs: CACHING,
    expected: { found: 'true', source: 'artifact', reason: 'complete', 'file-count': '2' },
    requests: { GetObject: 1, ListObjectsV2: 1 },
  });
  say('found is true, so the job does not build; upload sees that there is nothing to do.');
  await stage.play({ mode: 'upload', commit, expected: { found: 'true', uploaded: 'false', reason: 'marker' } });
}

async function shareWithSameCode(stage: Stage, built: Commit): Promise<void> {
  await nextJob(stage);
  const commit = await stage.repository.commit('Describe the app', { 'README.md': '# App\n\nIt says hello.\n' });
  chapter(`Commit ${commit.shortId}, “${commit.message}”: another commit, with the same code in src/.`);
  await stage.play({
    mode: 'check',
    commit,
    inputs: CACHING,
    expected: { found: 'true', source: 'cache', 'cache-hit': 'true', 'built-from-commit': built.id },
    requests: { CopyObject: 2 },
  });
  assertSameAssets(stage, commit);
  say('The assets were copied within the bucket, and are now filed under this commit too, byte for byte.');
}

async function missAfterChange(stage: Stage): Promise<void> {
  await nextJob(stage);
  const commit = await stage.repository.commit('Say goodbye', { 'src/app.js': 'console.log("goodbye");\n' });
  chapter(`Commit ${commit.shortId}, “${commit.message}”: a change of the code.`);
  await stage.play({
    mode: 'check',
    commit,
    inputs: CACHING,
    expected: { found: 'false', source: 'none', reason: 'absent' },
  });
  say('found is not true: this code has to be built, once.');
}

/** A job starts on a fresh machine, without the files of the previous job. */
async function nextJob(stage: Stage): Promise<void> {
  stage.later();
  await stage.repository.remove('packages');
}

function assertSameAssets({ store }: Stage, { id }: Commit): void {
  for (const [path, text] of Object.entries(ASSETS))
    if (store.get(BUCKET, `artifacts/${id}/${path}`)?.content.text() !== text)
      throw new Error(`artifacts/${id}/${path} does not hold what was built`);
}

function summarize({ played }: Stage, elapsedMs: number): void {
  const checks = played.filter(({ scene }) => scene.mode === 'check');
  const misses = checks.filter(({ scene }) => scene.expected.found === 'false');
  chapter(`${counted(checks.length, 'check')}, of which ${misses.length} asked for a build:`);
  for (const { scene, requestCount, elapsedMs: checkMs } of checks) {
    const answer = ANSWERS.get(scene.expected.source) ?? '';
    const cost = `${counted(requestCount, 'request').padStart(11)}, ${checkMs.toFixed(0)} ms`;
    console.log(`  ${scene.commit.shortId}  ${answer.padEnd(36)}${cost}`);
  }
  console.log(`\nEvery step ended as expected. (${(elapsedMs / 1000).toFixed(1)} s)`);
}

function chapter(title: string): void {
  console.log(`\n${styleText('bold', title)}`);
}

function say(line: string): void {
  console.log(`\n  ${line}`);
}
