import { InputError, UserError } from '../errors.ts';
import type { SourceTree } from '../ports.ts';
import type { CommitRequest, RunContext } from '../run-context.ts';
import { printable, shortId } from '../text.ts';

// Which commit a set is filed under, and where it lies in the bucket.

/** Where one asset set lies in the bucket. */
export interface SetLocation {
  readonly kind: 'artifact' | 'cache';
  /** The commit of an artifact set, the code hash of a cache set; lowercase hex. */
  readonly id: string;
  /** The beginning of every asset's key; ends in `/`. */
  readonly prefix: string;
  readonly recordKey: string;
}

/**
 * @param prefix the `prefix` input: empty, or without a trailing `/`
 * @param commit full hex id
 */
export function artifactSet(prefix: string, commit: string): SetLocation {
  return location(prefix, 'artifact', 'artifacts', commit);
}

/**
 * @param prefix the `prefix` input: empty, or without a trailing `/`
 * @param codeHash lowercase hex
 */
export function cacheSet(prefix: string, codeHash: string): SetLocation {
  return location(prefix, 'cache', 'cache', codeHash);
}

function location(prefix: string, kind: SetLocation['kind'], folder: string, id: string): SetLocation {
  const root = prefix === '' ? '' : `${prefix}/`;
  return { kind, id, prefix: `${root}${folder}/${id}/`, recordKey: `${root}records/${folder}/${id}.json` };
}

/** @returns the key of the object that lists the sources of a code hash */
export function sourcesKey(prefix: string, codeHash: string): string {
  return `${prefix === '' ? '' : `${prefix}/`}records/sources/${codeHash}.json.gz`;
}

/** @returns the `prefix` under which a set lies */
export function prefixOf({ kind, id, prefix }: SetLocation): string {
  const folder = kind === 'cache' ? 'cache' : 'artifacts';
  return prefix.slice(0, -`/${folder}/${id}/`.length);
}

/** @returns the `s3://` URI of a set's assets; ends in `/` */
export function uriOf(bucket: string, { prefix }: SetLocation): string {
  return `s3://${bucket}/${prefix}`;
}

/** As {@link uriOf}, with only the first digits of the hash: for messages about sets that nobody needs to open. */
export function shortUriOf(bucket: string, { prefix, id }: SetLocation): string {
  return `s3://${bucket}/${prefix.slice(0, -`${id}/`.length)}${shortId(id)}…/`;
}

/** The inverse of {@link uriOf}. @returns undefined if the URI is not that of a set in this bucket */
export function setAt(bucket: string, uri: string): SetLocation | undefined {
  const [, prefix = '', folder, id = ''] =
    /^s3:\/\/[^/]+\/(?:(.+)\/)?(artifacts|cache)\/([0-9a-f]+)\/$/u.exec(uri) ?? [];
  if (folder === undefined) return undefined;
  const set = folder === 'cache' ? cacheSet(prefix, id) : artifactSet(prefix, id);
  return uriOf(bucket, set) === uri ? set : undefined;
}

const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** Whether a text is a full commit id: 40 (SHA-1) or 64 (SHA-256) lowercase hex digits. */
export function isCommit(text: string): boolean {
  return COMMIT.test(text);
}

const CODE_HASH = /^[0-9a-f]{32,128}$/;

/** Whether a text can be a code hash: 32 to 128 lowercase hex digits. */
export function isCodeHash(text: string): boolean {
  return CODE_HASH.test(text);
}

/**
 * @returns the full hex id of the commit that the set is filed under
 * @throws InputError if there is none, or if a given repository-path is not a directory
 */
export async function resolveCommit(request: CommitRequest, sources: SourceTree): Promise<string> {
  await assertThere(request, sources);
  if (request.asked !== undefined && request.asked !== 'HEAD') return request.asked;
  if (request.asked === undefined && request.context !== undefined) return checked(request.context);
  const head = await sources.head();
  if (head !== undefined) return head;
  const path = printable(sources.path);
  throw new InputError(
    request.asked === 'HEAD'
      ? `commit-sha is 'HEAD', but no commit is checked out at repository-path '${path}': check out the repository first`
      : `There is no commit to file assets under: set commit-sha, or check out the repository at repository-path '${path}'`,
  );
}

async function assertThere({ repositoryIsGiven }: CommitRequest, sources: SourceTree): Promise<void> {
  if (repositoryIsGiven && !(await sources.exists()))
    throw new InputError(
      `There is no directory at repository-path '${printable(sources.path)}': check the path, or check out the repository there`,
    );
}

/** An event may have no commit, and a workflow can set GITHUB_SHA to anything. */
function checked(context: string): string {
  if (isCommit(context)) return context;
  throw new InputError(`GITHUB_SHA is '${printable(context)}', which is not a full commit id: set commit-sha`);
}

type CheckoutContext = Pick<RunContext, 'commit' | 'sources' | 'log'>;

// biome-ignore lint/suspicious/noTemplateCurlyInString: an expression for the user's workflow
const FIX = "set commit-sha to 'HEAD', or to ${{ github.event.pull_request.head.sha }} on a pull request";

/**
 * Refuses to go on if another commit is checked out than the one the set would be filed under: assets filed under the
 * wrong commit reach production unnoticed. With an explicit commit-sha, only warns.
 *
 * @throws UserError naming both commits and the fix
 */
export async function assertCheckedOut(run: CheckoutContext, commit: string): Promise<void> {
  const { sources, log } = run;
  const head = await sources.head();
  if (head === commit) return;
  const place = `repository-path '${printable(sources.path)}'`;
  if (head === undefined) return assertNoneElsewhere(run, commit);
  if (run.commit.asked === undefined)
    throw new UserError(`The workflow runs for commit ${commit}, but ${head} is checked out at ${place}: ${FIX}`);
  log.warning(`commit-sha is ${commit}, but ${head} is checked out at ${place}: taking the input at its word.`);
}

/** If nothing is checked out at the default path, the assets may still come from a repository in a subfolder. */
async function assertNoneElsewhere({ sources, log, commit: request }: CheckoutContext, commit: string): Promise<void> {
  const lack = await describeLack(sources);
  if (request.repositoryIsGiven)
    throw new UserError(`${lack}: correct the path, or check out ${commit} there before this step`);
  const nested = await sources.nested();
  if (nested.some(({ head }) => head === commit)) return;
  const [first] = nested;
  if (first !== undefined && request.asked === undefined) {
    const path = printable(first.path);
    throw new InputError(
      `${lack}, but one at '${path}' (${first.head ?? 'without a commit'}), and the workflow runs for commit ${commit}: set repository-path to '${path}', or commit-sha to the commit that was built`,
    );
  }
  log.info(`${lack}, so nothing confirms that this is a build of ${commit}.`);
}

/** @returns the beginning of a sentence that says why repository-path has no commit */
export async function describeLack(sources: SourceTree): Promise<string> {
  const lack = (await sources.isRepository()) ? 'No commit is checked out' : 'There is no git repository';
  return `${lack} at repository-path '${printable(sources.path)}'`;
}
