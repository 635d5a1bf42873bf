import type { Outcome } from '../../../src/modes/outcome.ts';
import { areSame, type Digests, digestsIn, digestsOfFiles, placeOf, recordIn } from './history.ts';
import type { ModelProcess } from './process.ts';
import type { World } from './world.ts';

/** Checks an upload that ended with a set that is found. */
export function verifyUploaded(world: World, process: ModelProcess, outcome: Outcome): void {
  if (process.plan.overwrite) verifyOverwritten(world, process, outcome);
  else if (!outcome.uploaded && outcome.reason !== 'marker') verifyCompared(world, process, outcome);
}

/** An upload that leaves another run's set as it is says whether that set is another build. */
function verifyCompared(world: World, process: ModelProcess, outcome: Outcome): void {
  const { number, builtFiles, wasRewritten, log } = process;
  const stored: Digests = new Map(outcome.files.map(({ path, sha256 }) => [path, sha256]));
  const missing = builtFiles.keys().find((path) => !stored.has(path));
  if (missing !== undefined) world.violate(`P${number} continues with a set that has no ${missing}`);
  // The digests of a set without a record may be unknown.
  if (wasRewritten || [...stored.values()].includes(undefined) || areSame(stored, digestsOfFiles(builtFiles))) return;
  if (!log.some((line) => line.includes('is not the same file as')))
    world.violate(`P${number} does not say that another build is stored`);
}

/** With `overwrite`, every byte is sent, and the cache's set is replaced too unless a warning says otherwise. */
function verifyOverwritten(world: World, process: ModelProcess, outcome: Outcome): void {
  const { number, own, builtFiles, wasRewritten, log } = process;
  const { uploaded, reason, codeHash, cached } = outcome;
  if (!uploaded) {
    world.violate(`P${number} should have overwritten the set (result: ${reason})`);
    return;
  }
  const unsent = outcome.files.find(({ path }) => !hasWritten(world, process, own.prefix + path));
  if (unsent !== undefined) world.violate(`P${number} should have overwritten ${unsent.path}, but did not send it`);
  if (codeHash === undefined) return;
  const { recordKey, prefix } = placeOf('cache', codeHash, own.root);
  const isReplaced = changesBy(world, process, recordKey).some(({ version }) => {
    if (version === undefined) return false;
    const record = recordIn(version);
    return record.state === 'complete' && areSame(digestsIn(record), digestsOfFiles(builtFiles));
  });
  if (cached && !isReplaced && !wasRewritten) world.violate(`P${number} leaves the replaced build at ${prefix}`);
  if (!cached && !log.some((line) => /was not made|is not cached/.test(line)))
    world.violate(`P${number} does not say that ${prefix} is not filled`);
}

function hasWritten(world: World, process: ModelProcess, key: string): boolean {
  return changesBy(world, process, key).some(({ version }) => version !== undefined);
}

/** The changes that a process made to an object. */
function changesBy({ bucket }: World, { number, startedAt, endedAt }: ModelProcess, key: string) {
  return bucket.changes.slice(startedAt, endedAt).filter((change) => change.key === key && change.author === number);
}
