import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CopyObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Scenario } from './scenario.ts';

/**
 * The tool that this project descends from, reduced to the requests it sends and the files it writes: the sets that it
 * would find in our buckets, and those that we find in its buckets. It knows no records, subfolders or prefixes.
 */
export class PythonTool {
  readonly #scenario: Scenario;
  /** `CODE_HASH_FIND_FILTER`; undefined turns its cache off. */
  readonly #filter: string | undefined;

  constructor(scenario: Scenario, filter?: string) {
    this.#scenario = scenario;
    this.#filter = filter;
  }

  /** @returns whether it found assets, so that `.found` is there */
  async check(): Promise<boolean> {
    const commit = this.#scenario.head;
    await mkdir(this.#scenario.packages, { recursive: true });
    await this.#write('.commit-hash', commit);
    if ((await this.#list(`artifacts/${commit}`)).length > 0) {
      await this.#write('.found', '');
      return true;
    }
    if (this.#filter === undefined) return false;
    const codeHash = await md5OfSources(this.#scenario.root, this.#filter);
    await this.#write('.code-hash', codeHash);
    const cached = await this.#list(`cache/${codeHash}/`);
    for (const key of cached) await this.#copyWithItsMetadata(key, `artifacts/${commit}/${key.split('/').at(-1)}`);
    if (cached.length > 0) await this.#write('.found', '');
    return cached.length > 0;
  }

  /** @returns the keys it wrote, in order; none if `.found` exists */
  async upload(): Promise<string[]> {
    if ((await this.#read('.found')) !== undefined) return [];
    const commit = (await this.#read('.commit-hash')) ?? this.#scenario.head;
    const codeHash = await this.#read('.code-hash');
    const names = await visibleFiles(this.#scenario.packages);
    for (const name of names) await this.#put(name, { commit, codeHash });
    const own = names.map((name) => `artifacts/${commit}/${name}`);
    if (codeHash === undefined) return own;
    const cached = names.map((name) => `cache/${codeHash}/${name}`);
    for (const name of names)
      await this.#copyWithItsMetadata(`artifacts/${commit}/${name}`, `cache/${codeHash}/${name}`);
    return [...own, ...cached];
  }

  async #put(name: string, { commit, codeHash }: { commit: string; codeHash: string | undefined }): Promise<void> {
    const body = await readFile(join(this.#scenario.packages, name));
    const { client, name: Bucket } = this.#scenario.bucket;
    const Metadata = {
      'commit-hash': commit,
      'package-hash': createHash('sha256').update(body).digest('base64'),
      ...(codeHash === undefined ? {} : { 'code-hash': codeHash }),
    };
    await client.send(new PutObjectCommand({ Bucket, Key: `artifacts/${commit}/${name}`, Body: body, Metadata }));
  }

  /** A copy without a directive keeps the source's metadata, whatever metadata the request has. */
  async #copyWithItsMetadata(source: string, target: string): Promise<void> {
    const { client, name: Bucket } = this.#scenario.bucket;
    const { Metadata } = await client.send(new HeadObjectCommand({ Bucket, Key: source }));
    const CopySource = `${Bucket}/${source.split('/').map(encodeURIComponent).join('/')}`;
    await client.send(new CopyObjectCommand({ Bucket, Key: target, CopySource, Metadata }));
  }

  async #list(prefix: string): Promise<string[]> {
    const { client, name } = this.#scenario.bucket;
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: name, Prefix: prefix }));
    return Contents.map(({ Key }) => Key ?? '');
  }

  async #read(marker: string): Promise<string | undefined> {
    return this.#scenario.marker(marker);
  }

  async #write(marker: string, text: string): Promise<void> {
    await writeFile(join(this.#scenario.packages, marker), text);
  }
}

/** One MD5 of the files of every pattern, sorted, one after another. */
async function md5OfSources(root: string, filter: string): Promise<string> {
  const hash = createHash('md5');
  for (const pattern of filter.split(' ')) {
    for (const path of globSync(pattern, { cwd: root }).toSorted()) {
      if ((await stat(join(root, path))).isFile()) hash.update(await readFile(join(root, path)));
    }
  }
  return hash.digest('hex');
}

async function visibleFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .toSorted();
}
