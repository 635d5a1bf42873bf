import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { type Files, Repository } from '../demo/repository.ts';
import { type ActionResult, runAction, storeInputs } from '../run-action.ts';
import { connect, type Site } from './site.ts';

// The built action against a server, from the first miss to the restore of another commit.

/** More than two parts of the default size. */
const LARGE_BYTES = 20_000_000;

/** Names that are valid on any system, although some of their characters are special in URLs or XML. */
function makeAssets(): Files {
  return {
    'app.zip': randomBytes(1000),
    'empty.txt': '',
    'large.bin': randomBytes(LARGE_BYTES),
    'with space/a+b, 100%.txt': 'signs',
    'with space/c%20d & e=f;#g.txt': 'looks encoded',
    'grüße/日本語 😀.txt': 'letters',
  };
}

/** A refusal must never be reported as a miss. */
const REFUSED = [
  { 'aws-access-key-id': 'unknown' },
  { 'aws-secret-access-key': 'another-secret' },
  { bucket: 'a-bucket-that-is-not-there' },
] as const;

interface Step {
  readonly mode: 'check' | 'upload' | 'restore';
  readonly commit: string;
  /** Overrides of the inputs that fit the server. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** 0 if absent. */
  readonly exitCode?: number;
  /** Outputs, by name. */
  readonly expected: Readonly<Record<string, string>>;
}

/**
 * Checks, uploads, promotes and restores with the built action.
 *
 * @throws Error with the name of the step that did not end as expected
 */
export async function smokeTest(site: Site, cancelled: AbortSignal): Promise<void> {
  await using smoke = await Smoke.begin(site, cancelled);
  const assets = makeAssets();
  const fileCount = String(Object.keys(assets).length);
  const { repository } = smoke;
  const { id: built } = await repository.commit('Build', { '.gitignore': 'packages/\n', 'src/main.txt': 'main\n' });
  await smoke.run({ mode: 'check', commit: built, expected: { found: 'false', reason: 'absent' } });
  await repository.write('packages', assets);
  const uploaded = { uploaded: 'true', cached: 'true', reason: 'uploaded', 'file-count': fileCount };
  await smoke.run({ mode: 'upload', commit: built, expected: uploaded });
  await repository.remove('packages');
  const complete = { found: 'true', source: 'artifact', reason: 'complete', 'file-count': fileCount };
  await smoke.run({ mode: 'check', commit: built, expected: complete });
  const { id: next } = await repository.commit('Document', { 'README.md': 'text\n' });
  const promoted = { found: 'true', source: 'cache', 'cache-hit': 'true', 'built-from-commit': built };
  await smoke.run({ mode: 'check', commit: next, expected: promoted });
  await smoke.run({ mode: 'check', commit: next, expected: complete });
  await smoke.run({ mode: 'restore', commit: next, expected: { restored: 'true', 'file-count': fileCount } });
  await smoke.compareRestored(assets);
  for (const inputs of REFUSED) await smoke.run({ mode: 'check', commit: built, inputs, exitCode: 1, expected: {} });
}

class Smoke implements AsyncDisposable {
  readonly repository: Repository;
  readonly #bucket: string;
  readonly #site: Site;
  readonly #cancelled: AbortSignal;

  private constructor(
    root: string,
    { site, bucket, cancelled }: { site: Site; bucket: string; cancelled: AbortSignal },
  ) {
    this.repository = new Repository(root);
    this.#site = site;
    this.#bucket = bucket;
    this.#cancelled = cancelled;
  }

  static async begin(site: Site, cancelled: AbortSignal): Promise<Smoke> {
    const bucket = `smoke-${randomUUID()}`;
    const client = connect(site);
    await client.send(new CreateBucketCommand({ Bucket: bucket })).finally(() => client.destroy());
    return new Smoke(await mkdtemp(join(tmpdir(), 's3-asset-manager-smoke-')), { site, bucket, cancelled });
  }

  async run(step: Step): Promise<void> {
    const result = await this.#runAction(step);
    this.#cancelled.throwIfAborted();
    const faults = Object.entries(step.expected)
      .filter(([name, text]) => result.outputs[name] !== text)
      .map(([name, text]) => `${name} is '${result.outputs[name]}' instead of '${text}'`);
    if (result.exitCode !== (step.exitCode ?? 0)) faults.unshift(`exit code ${result.exitCode}`);
    if (faults.length === 0) return;
    throw new Error(`${step.mode}: ${faults.join(', ')}\n${result.lines.join('\n')}\n${result.stderr}`);
  }

  /** @throws Error if a restored file differs from the built one */
  async compareRestored(assets: Files): Promise<void> {
    for (const [path, content] of Object.entries(assets)) {
      const restored = await readFile(join(this.repository.root, 'packages', path));
      if (digest(restored) !== digest(content)) throw new Error(`restore: '${path}' is not what was built`);
    }
  }

  #runAction({ mode, commit, inputs }: Step): Promise<ActionResult> {
    return runAction({
      cwd: this.repository.root,
      env: { GITHUB_SHA: commit, GITHUB_REPOSITORY: 'test/app', GITHUB_RUN_ID: '1', GITHUB_RUN_ATTEMPT: '1' },
      inputs: {
        mode,
        ...storeInputs(this.#bucket, this.#site.endpoint, this.#site.credentials),
        'code-hash-filter': 'src/**',
        ...inputs,
      },
      onStart: (_, kill) => this.#cancelled.addEventListener('abort', () => kill('SIGTERM'), { once: true }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.repository.root, { recursive: true, force: true });
  }
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
