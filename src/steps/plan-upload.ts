import { pathProblem } from '../core/asset-path.ts';
import { defined } from '../core/defined.ts';
import type { SetLocation } from '../core/keys.ts';
import { printable } from '../core/printable.ts';
import { InputError } from '../errors.ts';
import type { FileSelection, Log, PackageDirectory, ScannedFile } from '../ports.ts';
import type { PlannedAsset } from './send-assets.ts';

/** What every asset of an upload is stored with. */
export interface AssetSettings {
  /** The content type of a file by its path; undefined leaves it to the store. */
  readonly contentType: (path: string) => string | undefined;
  readonly cacheControl: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
}

const SECRETS = /(^|\/)(\.aws|\.npmrc|\.env)(\/|$)/;

/**
 * Scans the package directory and decides what each file is stored as.
 *
 * @returns the assets in the order of their paths' bytes
 */
export async function planUpload(
  { packages, log }: { readonly packages: PackageDirectory; readonly log: Log },
  { selection, settings }: { selection: FileSelection; settings: AssetSettings },
): Promise<readonly PlannedAsset[]> {
  const files = await packages.scan(selection);
  for (const { path } of files)
    if (SECRETS.test(path))
      log.warning(`'${printable(path)}' is uploaded since hidden files were asked for: make sure it holds no secret.`);
  return files.map((file) => plan(file, settings));
}

/**
 * Refuses what could not be stored and brought back as it is, in every place where the set will lie.
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
    contentType: settings.contentType(path),
    cacheControl: settings.cacheControl,
    metadata: settings.metadata,
    executable: executable || undefined,
  });
}
