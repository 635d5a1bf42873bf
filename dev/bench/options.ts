import { parseArgs } from 'node:util';
import { SERVERS } from '../servers/catalog.ts';
import type { ServerDefinition } from '../servers/server-definition.ts';
import { WORKS } from './catalog.ts';
import { LINK_NAMES, type LinkName } from './link.ts';
import { FULL, QUICK, type Sizes } from './sizes.ts';
import type { Work } from './work.ts';

/** The fastest of the servers with small files, so that it hides as little as possible of the clients' cost. */
const DEFAULT_SERVER = 'versitygw';
const LEAST_RUNS = 5;

export interface Options {
  readonly works: readonly Work[];
  readonly runs: number;
  readonly server: ServerDefinition;
  readonly sizes: Sizes;
  readonly links: readonly LinkName[];
  /** Whether the result is fit for docs/internals/performance.md: everything, in full size, with enough runs. */
  readonly isFull: boolean;
}

/**
 * @param args of the command line
 * @throws Error for an unknown option, work, link or server
 */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      runs: { type: 'string' },
      server: { type: 'string', default: DEFAULT_SERVER },
      quick: { type: 'boolean', default: false },
      link: { type: 'string' },
    },
  });
  const { only, link, quick } = values;
  const runs = values.runs === undefined ? (quick ? 1 : LEAST_RUNS) : wholeNumber(values.runs);
  return {
    works: chosen(WORKS, { names: only, nameOf: ({ name }) => name, option: '--only' }),
    runs,
    server: oneServer(values.server),
    sizes: quick ? QUICK : FULL,
    links: chosen(LINK_NAMES, { names: link, nameOf: (name) => name, option: '--link' }),
    isFull: only === undefined && link === undefined && !quick && runs >= LEAST_RUNS,
  };
}

function oneServer(id: string): ServerDefinition {
  const [server] = chosen(SERVERS, { names: id, nameOf: (each) => each.id, option: '--server' });
  if (server === undefined) throw new Error('--server names none');
  return server;
}

interface Choice<Item> {
  /** Separated by commas; all if undefined. */
  readonly names: string | undefined;
  readonly nameOf: (item: Item) => string;
  readonly option: string;
}

function chosen<Item>(items: readonly Item[], { names, nameOf, option }: Choice<Item>): readonly Item[] {
  if (names === undefined) return items;
  const asked = names.split(',');
  const known = items.map(nameOf);
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${option} has '${unknown}': there is ${known.join(', ')}`);
  return items.filter((item) => asked.includes(nameOf(item)));
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`--runs is '${text}': give a whole number from 1`);
}
