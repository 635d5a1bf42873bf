import { forEachConcurrently } from '../core/concurrency.ts';
import { counted } from '../core/counted.ts';
import { comparePaths } from '../core/path-order.ts';
import { printable } from '../core/printable.ts';
import type { AssetFile } from '../core/record.ts';
import { UserError } from '../errors.ts';
import type { PackageDirectory } from '../ports.ts';
import type { PlannedAsset } from './send-assets.ts';

/** Digests are the processor's work, so more at a time would not make them faster. */
const DIGESTS_AT_ONCE = 4;

export interface BuildComparison {
  readonly assets: readonly PlannedAsset[];
  /** What is stored; without SHA-256, only the size of a file is compared. */
  readonly stored: readonly Pick<AssetFile, 'path' | 'size' | 'sha256'>[];
}

/**
 * Refuses a build with a path that the stored set lacks: another job of the same commit made that set.
 *
 * @param comparison where the set lies, and whether it has a record; without one nothing says that it is whole
 * @throws UserError naming the path
 */
export function refuseMissing({
  assets,
  stored,
  where,
  isRecorded,
}: BuildComparison & { readonly where: string; readonly isRecorded: boolean }): void {
  const paths = new Set(stored.map(({ path }) => path));
  const missing = assets.find(({ path }) => !paths.has(path));
  if (missing === undefined) return;
  const path = printable(missing.path);
  if (isRecorded)
    throw new UserError(
      `The set of this commit is complete without '${path}': give each job that uploads for a commit its own 'prefix', or set overwrite to 'true' to replace the set`,
    );
  throw new UserError(
    `${where} has ${counted(paths.size, 'asset')} without a record, and '${path}' is not there: another tool may still be uploading, so let it finish and re-run this job, or set overwrite to 'true' to replace what it stored`,
  );
}

/**
 * Compares this run's build with the one that is stored for the same commit: sizes first, since digests read every byte.
 *
 * @returns the path of a file that differs; undefined where there is none
 */
export async function differingPath(
  packages: PackageDirectory,
  { assets, stored }: BuildComparison,
): Promise<string | undefined> {
  const files = new Map(stored.map((file) => [file.path, file]));
  const resized = assets.find(({ path, size }) => files.get(path)?.size !== size);
  if (resized !== undefined) return resized.path;
  const built = new Set(assets.map(({ path }) => path));
  const missing = stored.find(({ path }) => !built.has(path));
  if (missing !== undefined) return missing.path;
  let first: string | undefined;
  await forEachConcurrently(assets, DIGESTS_AT_ONCE, async ({ path, size }) => {
    const sha256 = files.get(path)?.sha256;
    if (first !== undefined || sha256 === undefined) return;
    // There is none of a link; what it leads to is compared itself.
    const digest = await packages.digest(path, size);
    if (digest === undefined || digest === sha256) return;
    if (first === undefined || comparePaths(path, first) < 0) first = path;
  });
  return first;
}
