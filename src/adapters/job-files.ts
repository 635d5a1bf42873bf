import { describeError } from '../errors.ts';
import type { JobFiles, Log } from '../ports.ts';
import { readMarker, writeMarker } from './package-directory/markers.ts';

/**
 * Files that last as long as the job.
 *
 * @param directory `RUNNER_TEMP`, which the runner empties before and after each job
 */
export function jobFiles(directory: string, log: Log): JobFiles {
  return {
    read: (name) => readMarker(directory, name),
    write: async (name, text) => {
      try {
        await writeMarker(directory, name, text);
      } catch (error) {
        log.warning(`Nothing is handed over to later steps by RUNNER_TEMP: ${describeError(error).line}`);
      }
    },
  };
}
