import { lookup } from 'mrmime';
import { forEachConcurrently } from '../async.ts';
import { InputError, UserError } from '../errors.ts';
import type { FileSelection, PackageDirectory, ScannedFile } from '../ports.ts';
import type { FileProgress } from '../progress.ts';
import type { RunContext } from '../run-context.ts';
import { comparePaths, counted, defined, printable } from '../text.ts';
import type { SetLocation } from './location.ts';
import { pathProblem } from './path.ts';
import type { AssetFile } from './record.ts';
import type { PlannedAsset } from './send.ts';

/** The settings that all assets of an upload are stored with. */
export interface AssetSettings {
  /** Undefined: by the extension of each file. */
  readonly contentType: string | undefined;
  readonly cacheControl: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

const SECRETS = /(^|\/)(\.aws|\.npmrc|\.env)(\/|$)/;

/**
 * Scans the package directory and decides how each file is stored.
 *
 * @returns the assets, sorted by the bytes of their paths
 */
export async function planUpload(
  { packages, log }: RunContext,
  { selection, ...settings }: AssetSettings & { readonly selection: FileSelection },
): Promise<readonly PlannedAsset[]> {
  const files = await packages.scan(selection);
  for (const { path } of files)
    if (SECRETS.test(path))
      log.warning(`'${printable(path)}' is uploaded since hidden files were asked for: make sure it holds no secret.`);
  return files.map((file) => plan(file, settings));
}

/**
 * Refuses paths that could not be stored and restored unchanged in every location of the set.
 *
 * @throws InputError naming the first such path
 */
export function refuseBadPaths(
  packages: PackageDirectory,
  { assets, locations }: { readonly assets: readonly PlannedAsset[]; readonly locations: readonly SetLocation[] },
): void {
  const prefixes = locations.map(({ prefix }) => prefix);
  for (const { path } of assets) {
    const problem = pathProblem(path, prefixes);
    if (problem !== undefined)
      throw new InputError(
        `'${printable(path)}' in ${packages.path} can't be an asset: ${problem}. Rename it, or exclude it by 'files'.`,
      );
  }
}

function plan({ path, sizeBytes, executable }: ScannedFile, settings: AssetSettings): PlannedAsset {
  return defined({
    path,
    size: sizeBytes,
    contentType: settings.contentType ?? contentTypeOf(path),
    cacheControl: settings.cacheControl,
    metadata: settings.metadata,
    executable: executable || undefined,
  });
}

/** Hashing is limited by the processor, so more at a time would not be faster. */
const DIGESTS_AT_ONCE = 4;

interface BuildComparison {
  readonly assets: readonly PlannedAsset[];
  /** The stored files; without a SHA-256, only the size is compared. */
  readonly stored: readonly Pick<AssetFile, 'path' | 'size' | 'sha256'>[];
}

/**
 * Refuses a build that has a path which the stored set lacks, or that has no files although the set has some: another
 * job of the same commit must have stored that set.
 *
 * @param comparison also has the set's URI, and whether it has a record; without a record, the set may be unfinished
 * @throws UserError naming the path, or the set
 */
export function refuseMissing({
  assets,
  stored,
  where,
  isRecorded,
}: BuildComparison & { readonly where: string; readonly isRecorded: boolean }): void {
  const paths = new Set(stored.map(({ path }) => path));
  if (assets.length === 0 && paths.size > 0)
    throw new UserError(
      `${where} has ${counted(paths.size, 'file')}, and this upload none: give each job that uploads for a commit its own 'prefix', or set overwrite to 'true' to replace the set`,
    );
  const missing = assets.find(({ path }) => !paths.has(path));
  if (missing === undefined) return;
  const path = printable(missing.path);
  if (isRecorded)
    throw new UserError(
      `The set of this commit is complete without '${path}': give each job that uploads for a commit its own 'prefix', or set overwrite to 'true' to replace the set`,
    );
  throw new UserError(
    `${where} has ${counted(paths.size, 'file')} without a record, and '${path}' is not there: another tool may still be uploading, so let it finish and re-run this job, or set overwrite to 'true' to replace what it stored`,
  );
}

/**
 * Compares this run's build with the one that is stored for the same commit: sizes first, since hashing reads every
 * byte.
 *
 * @returns the path of a file that differs; undefined if there is none
 */
export async function differingPath(
  { packages, progress }: Pick<RunContext, 'packages' | 'progress'>,
  { assets, stored }: BuildComparison,
): Promise<string | undefined> {
  const files = new Map(stored.map((file) => [file.path, file]));
  const resized = assets.find(({ path, size }) => files.get(path)?.size !== size);
  if (resized !== undefined) return resized.path;
  const built = new Set(assets.map(({ path }) => path));
  const missing = stored.find(({ path }) => !built.has(path));
  if (missing !== undefined) return missing.path;
  let first: string | undefined;
  const compare = async ({ path, size }: PlannedAsset, { moved, end }: FileProgress): Promise<void> => {
    const sha256 = files.get(path)?.sha256;
    if (first !== undefined || sha256 === undefined) return;
    // A link has no digest; the file that it points to is compared by itself.
    const digest = await packages.digest(path, size, moved);
    end();
    if (digest === undefined || digest === sha256) return;
    if (first === undefined || comparePaths(path, first) < 0) first = path;
  };
  await progress.during('Comparing', assets, (transfer) =>
    forEachConcurrently(assets, DIGESTS_AT_ONCE, (asset) => compare(asset, transfer.file(asset.size))),
  );
  return first;
}

/** The media type of a file by its extension. */
export function contentTypeOf(path: string): string {
  return lookup(path) ?? 'application/octet-stream';
}
