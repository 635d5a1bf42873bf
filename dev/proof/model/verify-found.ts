import type { Outcome } from '../../../src/modes/outcome.ts';
import { digestsOf } from './contents.ts';
import {
  isBorneOut,
  isLegacy,
  type ModelRecord,
  type Moment,
  placeOf,
  recordIn,
  type SetPlace,
  writeOf,
} from './history.ts';
import { someMoment, wasDisturbed } from './moments.ts';
import type { ModelProcess } from './process.ts';
import type { World } from './world.ts';

/**
 * At some moment, every object had the bytes that the record names, and the record was complete then, or had been since
 * the process began: a repair under way that has brought back those very bytes by then is no other set.
 */
export function verifyFound(world: World, process: ModelProcess, outcome: Outcome): void {
  const place = placeIn(outcome);
  const text = process.directory.markers.get('.record.json');
  if (text === undefined) {
    if (process.plan.legacy === 'ignore') world.violate(`P${process.number} was to ignore a legacy set`);
    // What somebody else changes meanwhile may look like anything; but there was no record.
    const isIt = wasDisturbed(world, process, place)
      ? ({ record }: Moment) => record === undefined
      : (moment: Moment) => isLegacy(moment, place) && isListed(outcome, moment);
    if (!someMoment(world, process, place, isIt))
      world.violate(`P${process.number} takes ${place.prefix} for a legacy set, which it never was`);
  } else {
    const record: ModelRecord = JSON.parse(text);
    let wasSealed = false;
    const isIt = (moment: Moment): boolean => {
      wasSealed ||= moment.record !== undefined && writeOf(recordIn(moment.record)) === writeOf(record);
      return wasSealed && isBorneOut(record, moment.objects);
    };
    if (record.state !== 'complete' || !someMoment(world, process, place, isIt))
      world.violate(`P${process.number} finds ${place.prefix}, which never was whole with that record`);
  }
  if (outcome.restored) verifyRestored(world, process, place, text);
}

function placeIn({ location }: Outcome): SetPlace {
  return placeOf(location.kind === 'cache' ? 'cache' : 'artifacts', location.id);
}

function isListed({ files }: Outcome, { objects }: Moment): boolean {
  return (
    files.length === objects.size && [...files].every(({ path, size }) => objects.get(path)?.bytes.length === size)
  );
}

/** What was brought back is what the record names, or a legacy set as it was at some moment. */
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
      world.violate(`P${process.number} restores what ${place.prefix} never was`);
    return;
  }
  const record: ModelRecord = JSON.parse(text);
  const wrong = record.files.find(({ path, sha256 }) => !isAsNamed(path, sha256));
  if (wrong !== undefined)
    world.violate(`P${process.number} restores other bytes of ${wrong.path} than its record says`);
  const named = new Set(record.files.map(({ path }) => path));
  const other = [...files.keys()].find((path) => !named.has(path) && !process.initialPaths.has(path));
  if (other !== undefined) world.violate(`P${process.number} leaves ${other}, which is not of the set it restored`);
}
