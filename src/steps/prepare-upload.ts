import type { CodeHash, CodeHashRequest } from '../core/code-hash-request.ts';
import { foundFor } from '../core/found-at.ts';
import { type SetLocation, uriOf } from '../core/keys.ts';
import type { List } from '../core/list.ts';
import { printable } from '../core/printable.ts';
import type { Reader } from '../core/verdict.ts';
import { waitForAll } from '../core/wait-for-all.ts';
import { UserError } from '../errors.ts';
import type { FileSelection, Ports } from '../ports.ts';
import { computeCodeHash, readCodeHashMarker } from './find-code-hash.ts';
import { type Finding, lookUp } from './look-up.ts';
import { type AssetSettings, planUpload } from './plan-upload.ts';
import type { PlannedAsset } from './send-assets.ts';

/** Where an upload takes things from. */
export interface UploadSource {
  readonly codeHash: CodeHashRequest | undefined;
  readonly selection: FileSelection;
  readonly settings: AssetSettings;
  readonly writer: Reader;
}

/** All that is known before anything is stored. */
export interface PreparedUpload {
  readonly assets: List<PlannedAsset>;
  /** Undefined: no caching. */
  readonly codeHash: CodeHash | undefined;
  /** What the store holds under the commit. */
  readonly first: Finding;
}

/** The set that an earlier step found. */
export interface FoundBefore {
  readonly foundBefore: SetLocation;
}

/**
 * Scans the package directory and finds the code hash, while the store is asked what it holds.
 *
 * @throws UserError where the package directory was made for another commit, or has a file that can't be stored
 */
export async function prepareUpload(
  { codeHash, selection, settings, writer }: UploadSource,
  ports: Ports,
  location: SetLocation,
): Promise<PreparedUpload | FoundBefore> {
  await refuseOtherCommit(ports, location.id);
  const foundBefore = await findFoundBefore(ports, location);
  if (foundBefore !== undefined) return { foundBefore };
  const asked = lookUp({ ...ports, reader: writer }, location);
  const scanned = planUpload(ports, { selection, location, settings });
  const [assets, hashed, first] = await waitForAll([scanned, findCodeHash(codeHash, ports), asked]);
  return { assets, codeHash: hashed, first };
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

/** The given value, else what check found, else computed now; undefined: no caching. */
async function findCodeHash(
  asked: CodeHashRequest | undefined,
  { packages, sources, log }: Ports,
): Promise<CodeHash | undefined> {
  if (asked?.kind === 'given') return computeCodeHash(asked, sources);
  const marked = await readCodeHashMarker(packages, asked);
  if (marked !== undefined) log.info(`The code hash is ${marked.value}, as check found it.`);
  if (marked !== undefined || asked === undefined) return marked;
  return computeCodeHash(asked, sources);
}
