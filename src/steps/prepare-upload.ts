import { foundFor } from '../core/found-at.ts';
import { type SetLocation, uriOf } from '../core/keys.ts';
import { printable } from '../core/printable.ts';
import { UserError } from '../errors.ts';
import type { FileSelection, Ports } from '../ports.ts';
import { type AssetSettings, planUpload } from './plan-upload.ts';
import type { PlannedAsset } from './send-assets.ts';

/** The set that an earlier step found. */
export interface FoundBefore {
  readonly foundBefore: SetLocation;
}

/** Which files are uploaded, and what they are stored with. */
export interface UploadSource {
  readonly selection: FileSelection;
  readonly settings: AssetSettings;
}

/**
 * @returns what there is to upload, or where an earlier step found it
 * @throws UserError where the package directory was made for another commit, or has a file that can't be stored
 */
export async function prepareUpload(
  source: UploadSource,
  ports: Ports,
  location: SetLocation,
): Promise<readonly PlannedAsset[] | FoundBefore> {
  await refuseOtherCommit(ports, location.id);
  const foundBefore = await findFoundBefore(ports, location);
  return foundBefore === undefined ? planUpload(ports, { ...source, location }) : { foundBefore };
}

async function refuseOtherCommit({ packages }: Ports, commit: string): Promise<void> {
  const marked = (await packages.readMarker('.commit-hash'))?.trim();
  if (marked !== undefined && marked !== '' && marked !== commit)
    throw new UserError(
      `${packages.path}/.commit-hash says '${printable(marked)}', but this upload is for ${commit}: run check for the same commit-sha, or delete the file`,
    );
}

async function findFoundBefore({ packages, store, log }: Ports, own: SetLocation): Promise<SetLocation | undefined> {
  if ((await packages.readMarker('.found')) === undefined) return undefined;
  const found = foundFor(await packages.readMarker('.found-at'), store.bucket, own);
  if (found === undefined)
    log.info(
      `${packages.path}/.found is not of ${uriOf(store.bucket, own)}, as .found-at says: it does not count for this upload.`,
    );
  return found;
}
