import { mapConcurrently } from '../core/concurrency.ts';
import type { CompleteRecord } from '../core/record.ts';
import type { PackageDirectory } from '../ports.ts';
import type { PlannedAsset } from './send-assets.ts';

/** Digests are the processor's work, so more at a time would not make them faster. */
const DIGESTS_AT_ONCE = 4;

/**
 * Compares this run's build with the one that was stored for the same commit.
 *
 * @returns the paths whose bytes differ; none where the build is reproducible
 */
export async function differingPaths(
  packages: PackageDirectory,
  { assets, record }: { readonly assets: readonly PlannedAsset[]; readonly record: CompleteRecord },
): Promise<string[]> {
  const stored = new Map(record.files.map((file) => [file.path, file]));
  const compared = await mapConcurrently(assets, DIGESTS_AT_ONCE, async ({ path, size }) => {
    const file = stored.get(path);
    const isSame = file?.size === size && (await packages.digest(path, size)) === file.sha256;
    return isSame ? undefined : path;
  });
  return compared.filter((path) => path !== undefined);
}
