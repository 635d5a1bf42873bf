import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { INPUTS } from '../src/inputs/inputs.ts';
import { OUTPUTS } from '../src/outputs.ts';

// What the sources declare, what the runner reads and what the user reads are held to each other.

/** What one input or output has in `action.yml`, by the name of the field. */
type Declaration = Readonly<Record<string, string>>;

/**
 * Reads a section of `action.yml`, in the one shape that it is written in: two levels of names, then `field: text`
 * on a line. Anything else is an error, so that nothing is overlooked.
 */
function readSection(text: string, section: string): ReadonlyMap<string, Declaration> {
  const [, body] = new RegExp(`^${section}:\\n((?: .*\\n|\\n)*)`, 'm').exec(text) ?? [];
  const declarations = new Map<string, Record<string, string>>();
  for (const line of (body ?? '').split('\n').filter((one) => one !== '')) {
    const [, name] = /^ {2}([a-z-]+):$/.exec(line) ?? [];
    const [, field, value] = /^ {4}([a-zA-Z]+): (.+)$/.exec(line) ?? [];
    const current = [...declarations.values()].at(-1);
    if (name !== undefined) declarations.set(name, {});
    else if (current !== undefined && field !== undefined && value !== undefined) current[field] = unquoted(value);
    else throw new Error(`action.yml has a line that this test can't read: '${line}'`);
  }
  return declarations;
}

/** A plain text must not hold what YAML takes for more than text. */
function unquoted(value: string): string {
  if (value.startsWith('"')) return JSON.parse(value);
  if (/^[`'&*!|>%@{[]|: | #/.test(value)) throw new Error(`action.yml needs quotes around ${value}`);
  return value;
}

/** The rows of the first table under a heading of the README, by the name in their first column. */
function readTable(heading: string): ReadonlyMap<string, string> {
  const [, table] =
    new RegExp(`^## ${heading}\\n(?:(?!\\||## ).*\\n)*((?:\\|.*\\n)*)`, 'm').exec(read('README.md')) ?? [];
  const rows = (table ?? '').matchAll(/^\| `([a-z-]+)` .*$/gm);
  return new Map([...rows].map(([row, name]) => [name ?? '', row]));
}

/** The environment variables that a text names. */
function variablesIn(text: string | undefined): string[] {
  return text?.match(/\b[A-Z]+(_[A-Z0-9]+)+\b/g) ?? [];
}

function read(path: string): string {
  return readFileSync(path, 'utf8');
}

const action = read('action.yml');

describe('action.yml', () => {
  const inputs = readSection(action, 'inputs');
  const outputs = readSection(action, 'outputs');

  it('has the inputs that the sources declare, in their order', () => {
    expect([...inputs.keys()]).toEqual(Object.keys(INPUTS));
  });

  it('has the outputs that the sources declare, in their order', () => {
    expect([...outputs.keys()]).toEqual(Object.keys(OUTPUTS));
  });

  it('describes each of them in a sentence', () => {
    for (const { description } of [...inputs.values(), ...outputs.values()]) expect(description).toMatch(/\S.*[.)]$/);
  });

  it('declares no default, which would hide variables and what the sources say', () => {
    expect([...inputs].filter(([, fields]) => 'default' in fields)).toEqual([]);
  });

  it('requires nothing but the mode, since a variable may stand in for the bucket', () => {
    expect([...inputs].filter(([, fields]) => 'required' in fields)).toEqual([
      ['mode', expect.objectContaining({ required: 'true' })],
    ]);
  });

  it.each(Object.entries(INPUTS))('names the variables of %s, and no others', (name, { variables }) => {
    expect(variablesIn(inputs.get(name)?.description)).toEqual(variables);
  });

  it('runs the bundle on Node 24', () => {
    expect(action).toMatch(/^runs:\n {2}using: node24\n {2}main: dist\/index\.js\n$/m);
    expect(statSync('dist/index.js').size).toBeGreaterThan(0);
  });
});

describe('README.md', () => {
  const inputs = readTable('Inputs');
  const outputs = readTable('Outputs');

  it('lists the inputs that the sources declare, in their order', () => {
    expect([...inputs.keys()]).toEqual(Object.keys(INPUTS));
  });

  it('lists the outputs that the sources declare, in their order', () => {
    expect([...outputs.keys()]).toEqual(Object.keys(OUTPUTS));
  });

  it.each(Object.entries(INPUTS))('names the variables of %s, and no others', (name, { variables }) => {
    expect(variablesIn(inputs.get(name))).toEqual(variables);
  });
});
