import { mapConcurrently } from '../core/concurrency.ts';
import type { CompleteRecord } from '../core/record.ts';
import type { PackageDirectory } from '../ports.ts';
import type { PlannedAsset } from './send-assets.ts';

/**
 * Compares this run's build with the one that was stored for the same commit.
 *
 * @returns the paths whose bytes differ; none where the build is reproducible
 */
export async function differingPaths(
  packages: PackageDirectory,
  { assets, record, concurrency }: { assets: readonly PlannedAsset[]; record: CompleteRecord; concurrency: number },
): Promise<string[]> {
  const stored = new Map(record.files.map((file) => [file.path, file]));
  const isSame = await mapConcurrently(assets, concurrency, async ({ path, size }) => {
    const file = stored.get(path);
    return file?.size === size && (await packages.digest(path, size)) === file.sha256;
  });
  return assets.filter((_, index) => !isSame[index]).map(({ path }) => path);
}
