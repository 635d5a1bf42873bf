import { commitOf, sha256Of, userMetadata } from '../core/asset-attributes.ts';
import { type Concurrency, lanesFor, mapConcurrently } from '../core/concurrency.ts';
import { defined } from '../core/defined.ts';
import { printable } from '../core/printable.ts';
import type { AssetFile } from '../core/record.ts';
import { SetChangedError } from '../errors.ts';
import type { ObjectHead, ObjectStore, Ports } from '../ports.ts';
import type { Finding } from './look-up.ts';
import { readListing, readRecord } from './read-set.ts';

/** 32 bytes in base64; the last digit before the padding has two bits to spare. */
const SHA256 = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** What a set consists of, and which commit's build it holds, as far as it says. */
export interface SetContents {
  readonly files: readonly AssetFile[];
  readonly commit: string | undefined;
}

type ContentPorts = Pick<Ports, 'store' | 'clock'>;

/**
 * The files of a usable set: its record's, or, of a set without a record, what one HEAD each tells.
 *
 * @throws SetChangedError when a set without a record changes meanwhile
 */
export async function contentsOf(ports: ContentPorts, set: Finding, concurrency: Concurrency): Promise<SetContents> {
  if (set.verdict.reason !== 'complete') return legacyContents(ports, set, concurrency);
  const { files, origin, commit } = set.verdict.record;
  return { files, commit: origin.kind === 'cache' ? origin.commit : commit };
}

async function legacyContents(
  { store, clock }: ContentPorts,
  set: Finding,
  concurrency: Concurrency,
): Promise<SetContents> {
  const read = await mapConcurrently([...set.listing], lanesFor(concurrency, clock), async ([path, { size }]) => {
    const head = await store.head(set.location.prefix + path);
    if (head === undefined || head.sizeBytes !== size) throw changed(path, set);
    const { etag, contentType, cacheControl } = head;
    const known = { sha256: digestOf(head), contentType, cacheControl, metadata: userMetadata(head) };
    return { file: { path, size, etag, ...defined(known) }, commit: commitOf(head) };
  });
  const files = read.map(({ file }) => file);
  await assertAsListed(store, set, files);
  // Whoever has begun a record meanwhile may have replaced some of the objects.
  if ((await readRecord(store, set.location)) !== undefined)
    throw new SetChangedError(`Another run began to write ${set.location.prefix} while it was read`);
  return { files, commit: read[0]?.commit };
}

/** What the Python tool called `package-hash` is the SHA-256; other tools may mean something else by it. */
function digestOf(head: ObjectHead): string | undefined {
  const sha256 = sha256Of(head);
  return sha256 !== undefined && SHA256.test(sha256) ? sha256 : undefined;
}

/**
 * An object whose ETag is another than the listed one was replaced since, or its server lists ETags in another form than
 * it answers with. Only a second listing tells: one that shows the same ETag as the first is of the same object.
 */
async function assertAsListed(store: ObjectStore, set: Finding, files: readonly AssetFile[]): Promise<void> {
  const { listing } = set;
  const suspected = files.filter(({ path, etag }) => listing.get(path)?.etag !== etag);
  if (suspected.length === 0) return;
  const again = await readListing(store, set.location);
  const replaced = suspected.find(({ path }) => again.get(path)?.etag !== listing.get(path)?.etag);
  if (replaced !== undefined) throw changed(replaced.path, set);
}

function changed(path: string, { location }: Finding): SetChangedError {
  return new SetChangedError(`'${printable(path)}' under ${location.prefix} changed while it was read`);
}
