import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Files, Repository } from '../demo/repository.ts';
import { CREDENTIALS, startLocalS3 } from '../local-s3/local-s3.ts';
import { type ActionResult, runAction, storeInputs } from '../run-action.ts';

// Pages of the job summary, written by steps of the built action.

export interface StagedPage {
  /** File name of its picture. */
  readonly name: string;
  readonly html: string;
  /** Height of the visible part, in CSS pixels. */
  readonly height: number;
}

const BUCKET = 'my-assets';
const TWO_DAYS_MS = 172_800_000;
const BUILD_MS = 372_000;

interface Job {
  readonly commit: string;
  readonly run: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A repository, a bucket, and jobs that run steps of the action. */
class Stage {
  readonly repository: Repository;
  readonly #store: Awaited<ReturnType<typeof startLocalS3>>;
  readonly #root: string;
  readonly #temporary: string;

  private constructor(store: Awaited<ReturnType<typeof startLocalS3>>, root: string, temporary: string) {
    this.#store = store;
    this.#root = root;
    this.#temporary = temporary;
    this.repository = new Repository(root);
  }

  /** @param perform runs jobs on the stage */
  static async use(perform: (stage: Stage) => Promise<StagedPage>, now: () => number = Date.now): Promise<StagedPage> {
    const store = await startLocalS3({ buckets: [BUCKET], now });
    const [root, temporary] = await Promise.all(
      ['repository', 'runner'].map((name) => mkdtemp(join(tmpdir(), `s3-asset-manager-${name}-`))),
    );
    try {
      return await perform(new Stage(store, root ?? '', temporary ?? ''));
    } finally {
      await store.close();
      for (const directory of [root, temporary]) await rm(directory ?? '', { recursive: true, force: true });
    }
  }

  async step(mode: string, { commit, run, env }: Job, inputs: Record<string, string> = {}): Promise<ActionResult> {
    return runAction({
      cwd: this.#root,
      env: {
        GITHUB_SHA: commit,
        GITHUB_SERVER_URL: 'https://github.com',
        GITHUB_REPOSITORY: 'acme/shop',
        GITHUB_RUN_ID: run,
        GITHUB_RUN_NUMBER: run,
        GITHUB_RUN_ATTEMPT: '1',
        GITHUB_WORKFLOW: 'Build',
        RUNNER_TEMP: this.#temporary,
        ...env,
      },
      inputs: { mode, ...storeInputs(BUCKET, this.#store.url, CREDENTIALS), 'code-hash-filter': 'src/**', ...inputs },
    });
  }

  /** @returns what the step adds to the page */
  async page(...of: Parameters<Stage['step']>): Promise<string> {
    const { exitCode, summary, lines } = await this.step(...of);
    if (exitCode !== 0) throw new Error(lines.join('\n'));
    return summary;
  }

  /** Builds, and pretends that it took some time: makes the handover of the check older. */
  async build(files: Files): Promise<void> {
    await this.repository.write('packages', files);
    for (const name of await readdir(this.#temporary)) {
      if (!name.endsWith('.json')) continue;
      const file = join(this.#temporary, name);
      const handed: unknown = JSON.parse(await readFile(file, 'utf8'));
      if (typeof handed !== 'object' || handed === null || !('checkedAtMs' in handed)) continue;
      await writeFile(file, JSON.stringify({ ...handed, checkedAtMs: Number(handed.checkedAtMs) - BUILD_MS }));
    }
  }

  /** Starts a new job, which inherits only the repository and the bucket. */
  async newJob(): Promise<void> {
    await this.repository.remove('packages');
    for (const name of await readdir(this.#temporary)) await rm(join(this.#temporary, name));
  }
}

const SOURCES = { '.gitignore': 'packages/\n', 'src/app.js': 'hello\n', 'src/cart.js': 'empty\n', 'src/logo.svg': '-' };
const BUILT = {
  'api.zip': Buffer.alloc(4_200_000, 'a'),
  'site.zip': Buffer.alloc(900_000, 'b'),
  'version.txt': '1.4.0\n',
};

/** A change is built; two days later, another commit of the same code needs no build. */
export function storyPage(): Promise<StagedPage> {
  let skippedMs = 0;
  return Stage.use(
    async (stage) => {
      const { repository } = stage;
      const first = await repository.commit('Say hello', SOURCES);
      await stage.page('check', { commit: first.id, run: '75' });
      await stage.build(BUILT);
      await stage.page('upload', { commit: first.id, run: '75' });
      await stage.newJob();
      const second = await repository.commit('Fill the cart', { 'src/cart.js': 'full\n', 'src/price.js': '1.99\n' });
      const missed = await stage.page('check', { commit: second.id, run: '76' });
      await stage.build(BUILT);
      const stored = await stage.page('upload', { commit: second.id, run: '76' });
      await stage.newJob();
      skippedMs += TWO_DAYS_MS;
      const third = await repository.commit('Mend the README', { 'README.md': '# Shop\n' });
      const hit = await stage.page('check', { commit: third.id, run: '91' });
      const html = [missed, stored.replace('<details>', '<details open>'), hit].join('\n');
      return { name: 'job-summary', html, height: 550 };
    },
    () => Date.now() + skippedMs,
  );
}

/** A set of so many files. */
export function manyFilesPage(count: number): Promise<StagedPage> {
  return Stage.use(async (stage) => {
    const { id: commit } = await stage.repository.commit('Say hello', SOURCES);
    const names = Array.from({ length: count }, (_, index) => `assets/chunk-${String(index).padStart(5, '0')}.js`);
    await stage.repository.write('packages', Object.fromEntries(names.map((name) => [name, name])));
    const stored = await stage.page('upload', { commit, run: '1' }, { 'if-no-files-found': 'store' });
    await stage.newJob();
    const hit = await stage.page('check', { commit, run: '2' });
    const html = `${stored}\n${hit.replace('<details>', '<details open>')}`;
    return { name: `${count}-files`, html, height: count === 0 ? 300 : 900 };
  });
}

const PACKAGES = `
packages:
  shared: { sources: [shared/**], stored: false }
  api: { sources: [api/**], needs: [shared] }
  site: { sources: [site/**], needs: [shared] }
  tool: { sources: [tool/**] }`;

/** Several packages, some of which need a build. */
export function packagesPage(): Promise<StagedPage> {
  return Stage.use(async (stage) => {
    const files = { 'shared/s.ts': 's', 'api/a.ts': 'a', 'site/i.html': 'i', 'tool/t.ts': 't' };
    const first = await stage.repository.commit('Say hello', { '.gitignore': 'packages/\n', ...files });
    const packages = { packages: PACKAGES, 'code-hash-filter': '' };
    const job = [await stage.page('check', { commit: first.id, run: '8' }, packages)];
    for (const name of ['api', 'site', 'tool']) {
      await stage.repository.write(`packages/${name}`, { [`${name}.zip`]: name });
      job.push(await stage.page('upload', { commit: first.id, run: '8' }, { ...packages, package: name }));
    }
    await stage.newJob();
    const changed = { 'shared/s.ts': 'changed', 'site/i.html': 'changed' };
    const second = await stage.repository.commit('Change shared', changed);
    const some = await stage.page('check', { commit: second.id, run: '9' }, packages);
    return { name: 'packages', html: [...job, some].join('\n'), height: 800 };
  });
}

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)<',
  '<details><table><tr><td><h1>big',
  '[link](https:evil.example.com) **bold** `code` @octocat #1',
  `long-${'w'.repeat(200)}`,
  '🎉 emoji 文字 עברית',
  '&lt;b&gt; &amp; &#60;i&#62;',
  '::error::no ##[error]no',
];

/** Hostile names wherever a name may be untrusted. */
export function hostilePage(): Promise<StagedPage> {
  return Stage.use(async (stage) => {
    const env = {
      GITHUB_WORKFLOW: '<b>Build</b>"><script>alert(1)</script>',
      GITHUB_SERVER_URL: 'https://github.com/"onclick="alert(1)',
    };
    const sources = HOSTILE.map((name): [string, string] => [`src/${name}`, '1']);
    const first = await stage.repository.commit('Say hello', { ...SOURCES, ...Object.fromEntries(sources) });
    await stage.repository.write('packages', Object.fromEntries(HOSTILE.map((name) => [name, 'x'])));
    const inputs = { prefix: '<i>"prefix"' };
    const stored = await stage.page('upload', { commit: first.id, run: '1', env }, inputs);
    await stage.newJob();
    const hit = await stage.page('check', { commit: first.id, run: '2' }, inputs);
    await stage.newJob();
    const changed = Object.fromEntries(sources.map(([path]) => [path, '2']));
    const second = await stage.repository.commit('Change', changed);
    const missed = await stage.page('check', { commit: second.id, run: '3' }, inputs);
    const failed = await stage.step('upload', { commit: second.id, run: '3' }, { ...inputs, files: HOSTILE[0] ?? '' });
    const html = [stored, hit, missed, failed.summary].join('\n').replaceAll('<details>', '<details open>');
    return { name: 'hostile-names', html, height: 1700 };
  });
}
