import type { Outcome } from '../../../src/modes/outcome.ts';
import { CODES, digestsOf } from './contents.ts';
import {
  areSame,
  isInPlace,
  isIntact,
  isLegacy,
  type ModelRecord,
  type Moment,
  placeOf,
  placeOfKey,
  recordIn,
  type SetPlace,
  writeOf,
} from './history.ts';
import { someMoment, wasDisturbed } from './moments.ts';
import type { ModelProcess } from './process.ts';
import { verifyUploaded } from './verify-uploaded.ts';
import type { World } from './world.ts';

/**
 * At some moment, every object had the recorded bytes, and the record was complete then or had been since the process
 * started. The latter covers a repair that has already restored exactly these bytes.
 */
export function verifyFound(world: World, process: ModelProcess, outcome: Outcome): void {
  const place = placeOfKey(outcome.location.prefix);
  const text = process.recordText;
  if (!isWanted(process, place)) world.violate(`P${process.number} takes ${place.prefix}, which is another set`);
  if (text === undefined) verifyLegacy(world, process, { outcome, place });
  else {
    const record: ModelRecord = JSON.parse(text);
    let wasSealed = false;
    const isIt = (moment: Moment): boolean => {
      wasSealed ||= moment.record !== undefined && writeOf(recordIn(moment.record)) === writeOf(record);
      return wasSealed && isIntact(record, moment.objects);
    };
    if (record.state !== 'complete' || !isInPlace(record, place) || !someMoment(world, process, place, isIt))
      world.violate(`P${process.number} finds ${place.prefix}, which was never whole with that record`);
    const reported = new Map(outcome.files.map(({ path, sha256 }) => [path, sha256]));
    if (!areSame(reported, new Map(record.files.map(({ path, sha256 }) => [path, sha256]))))
      world.violate(`P${process.number} reports other files than those of its record`);
  }
  if (outcome.restored) verifyRestored(world, process, place, text);
  if (process.plan.mode === 'upload') verifyUploaded(world, process, outcome);
}

/** Whether a set is filed under the commit or code hash of a process. */
function isWanted({ plan, own, elsewhere, hasHandover }: ModelProcess, place: SetPlace): boolean {
  const places = [own, ...elsewhere];
  // A set that a check handed over may be in any location, and its code hash counts even if none is asked for.
  if (plan.mode === 'upload') places.push(placeOf('cache', CODES[plan.code], own.root));
  return places.some(({ id, prefix }) => (hasHandover ? id === place.id : prefix === place.prefix));
}

function verifyLegacy(world: World, process: ModelProcess, found: { outcome: Outcome; place: SetPlace }): void {
  const { outcome, place } = found;
  if (process.plan.legacy === 'ignore') world.violate(`P${process.number} should have ignored a legacy set`);
  // While an outsider changes the set, it may look like anything, but there was no record.
  const isIt = wasDisturbed(world, process, place)
    ? ({ record }: Moment) => record === undefined
    : (moment: Moment) => isLegacy(moment, place) && isListed(outcome, moment);
  if (!someMoment(world, process, place, isIt))
    world.violate(`P${process.number} takes ${place.prefix} for a legacy set, although it never was one`);
}

function isListed({ files }: Outcome, { objects }: Moment): boolean {
  return (
    files.length === objects.size && [...files].every(({ path, size }) => objects.get(path)?.bytes.length === size)
  );
}

/** The restored files are those of the record, or of a legacy set as it was at some moment. */
function verifyRestored(world: World, process: ModelProcess, place: SetPlace, text: string | undefined): void {
  const { files } = process.directory;
  world.count('restored sets');
  const isAsNamed = (path: string, sha256: string | undefined): boolean => {
    const bytes = files.get(path);
    return bytes !== undefined && (sha256 === undefined || digestsOf(bytes).sha256 === sha256);
  };
  if (text === undefined) {
    const isAsItWas = ({ objects }: Moment): boolean =>
      [...objects].every(([path, { bytes }]) => isAsNamed(path, digestsOf(bytes).sha256));
    if (!someMoment(world, process, place, isAsItWas))
      world.violate(`P${process.number} restores files that ${place.prefix} never had`);
    return;
  }
  const record: ModelRecord = JSON.parse(text);
  const wrong = record.files.find(({ path, sha256 }) => !isAsNamed(path, sha256));
  if (wrong !== undefined)
    world.violate(`P${process.number} restores other bytes of ${wrong.path} than those in its record`);
  const named = new Set(record.files.map(({ path }) => path));
  const other = [...files.keys()].find((path) => !named.has(path) && !process.initialPaths.has(path));
  if (other !== undefined) world.violate(`P${process.number} leaves ${other}, which is not in the set it restored`);
}
