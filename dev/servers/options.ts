import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SERVERS } from './catalog.ts';
import type { ServerDefinition } from './server-definition.ts';

/** Where servers are installed by default. */
export const CACHE = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'servers');

export interface Options {
  readonly servers: readonly ServerDefinition[];
  readonly installDirectory: string;
  /** Compare docs/guide/compatibility.md with the results instead of writing it. */
  readonly check: boolean;
  /** Where jest's reports are written as `<server>.json`; nowhere if undefined. */
  readonly reportDirectory: string | undefined;
}

/**
 * @param args of the command line
 * @throws Error for an unknown option or server
 */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: SERVERS.map(({ id }) => id).join() },
      'install-dir': { type: 'string', default: CACHE },
      'report-dir': { type: 'string' },
      check: { type: 'boolean', default: false },
    },
  });
  const reportDirectory = values['report-dir'];
  return {
    servers: chosenServers(values.only),
    installDirectory: resolve(values['install-dir']),
    check: values.check,
    reportDirectory: reportDirectory === undefined ? undefined : resolve(reportDirectory),
  };
}

function chosenServers(only: string): ServerDefinition[] {
  const ids = only.split(',');
  const unknown = ids.find((id) => SERVERS.every((server) => server.id !== id));
  if (unknown === undefined) return SERVERS.filter(({ id }) => ids.includes(id));
  const known = SERVERS.map(({ id }) => id).join(', ');
  throw new Error(`--only names '${unknown}': give some of ${known}, separated by commas`);
}
