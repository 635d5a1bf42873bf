import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { parseCommandLine } from '../src/inputs/flags.ts';
import { helpText } from '../src/inputs/help.ts';
import { INPUTS, type InputRow, ownVariable } from '../src/inputs/table.ts';
import { OUTPUTS } from '../src/outputs.ts';

// Keeps the declarations in the sources, the file for the runner and the pages for users consistent.

/** The fields of an input or output in `action.yml`. */
type Declarations = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The rows of the first table under a heading of a page, by the name in their first column. */
function readTable(page: string, heading: string): ReadonlyMap<string, string> {
  const [, table] = new RegExp(`^## ${heading}\\n(?:(?!\\||## ).*\\n)*((?:\\|.*\\n)*)`, 'm').exec(read(page)) ?? [];
  const rows = (table ?? '').matchAll(/^\| `([a-z-]+)` .*$/gm);
  return new Map([...rows].map(([row, name]) => [name ?? '', row]));
}

/** The environment variables that a text names. */
function variablesIn(text: unknown): string[] {
  return String(text).match(/\b[A-Z]+(_[A-Z0-9]+)+\b/g) ?? [];
}

function read(path: string): string {
  return readFileSync(path, 'utf8');
}

const action: { readonly inputs: Declarations; readonly outputs: Declarations; readonly runs: unknown } = parse(
  read('action.yml'),
);

describe('action.yml', () => {
  const { inputs, outputs, runs } = action;

  it('has the inputs that the sources declare, in their order', () => {
    expect(Object.keys(inputs)).toEqual(Object.keys(INPUTS));
  });

  it('has the outputs that the sources declare, in their order', () => {
    expect(Object.keys(outputs)).toEqual(Object.keys(OUTPUTS));
  });

  it('describes each of them in a sentence', () => {
    for (const { description } of [...Object.values(inputs), ...Object.values(outputs)])
      expect(description).toMatch(/\S.*[.)]$/);
  });

  it('declares no defaults, since they would hide variables and the defaults in the sources', () => {
    expect(Object.entries(inputs).filter(([, fields]) => 'default' in fields)).toEqual([]);
  });

  it('requires only the mode, since a variable may replace the bucket', () => {
    expect(Object.entries(inputs).filter(([, fields]) => 'required' in fields)).toEqual([
      ['mode', expect.objectContaining({ required: true })],
    ]);
  });

  it.each(Object.entries(INPUTS))('names the variables of %s, and no others', (name, { variables = [] }) => {
    expect(variablesIn(inputs[name]?.description)).toEqual(variables);
  });

  it('runs the bundle on Node 24', () => {
    expect(runs).toEqual({ using: 'node24', main: 'dist/index.js' });
    expect(statSync('dist/index.js').size).toBeGreaterThan(0);
  });
});

describe('docs/guide/inputs.md', () => {
  const inputs = readTable('docs/guide/inputs.md', 'Inputs');
  const outputs = readTable('docs/guide/inputs.md', 'Outputs');

  it('lists the inputs that the sources declare, in their order', () => {
    expect([...inputs.keys()]).toEqual(Object.keys(INPUTS));
  });

  it('lists the outputs that the sources declare, in their order', () => {
    expect([...outputs.keys()]).toEqual(Object.keys(OUTPUTS));
  });

  it.each(Object.entries(INPUTS))('names the variables of %s, and no others', (name, { variables = [] }) => {
    expect(variablesIn(inputs.get(name))).toEqual(variables);
  });
});

describe('an input', () => {
  const [guide, readme, help] = [
    readTable('docs/guide/inputs.md', 'Inputs'),
    readTable('README.md', 'Inputs'),
    helpText(undefined),
  ];

  it.each(Object.entries<InputRow>(INPUTS))(
    '%s is the same everywhere: as an input, a flag and a variable',
    (name, row) => {
      expect([Object.keys(action.inputs), [...guide.keys()]]).toEqual(Array(2).fill(expect.arrayContaining([name])));
      expect(readme.has(name)).toBe(name === 'mode' || row.common === true);
      // All packages of a pipeline have the same commit.
      expect(row.outputForm !== undefined).toBe(name in OUTPUTS && name !== 'commit-sha');
      if (name === 'mode') return;
      const variables = [ownVariable(name), ...(row.variables ?? [])];
      const given = () => parseCommandLine(['check', `--${name}=true`]).texts.get(name);
      if (row.secret) {
        expect(help).toContain(`\n  ${ownVariable(name)}\n`);
        expect(given).toThrow(`set the variable ${ownVariable(name)} instead`);
      } else {
        expect(help).toMatch(new RegExp(`^ {2}--${name}(?: <value>)? {4}${variables.join(', ')}$`, 'm'));
        expect(given()).toBe('true');
      }
    },
  );
});

describe('docs/guide/lookup.md', () => {
  it('explains every reason that action.yml names', () => {
    const named = String(action.outputs.reason?.description).matchAll(/`([a-z-]+)`/g);
    const explained = readTable('docs/guide/lookup.md', 'Reasons').keys();
    expect([...explained].sort()).toEqual([...named].map(([, name]) => name).sort());
  });
});

describe('README.md', () => {
  it.each([
    ['Inputs', INPUTS],
    ['Outputs', OUTPUTS],
  ])('lists some of the %s that the sources declare', (heading, declared) => {
    const names = [...readTable('README.md', heading).keys()];
    expect(names.length).toBeGreaterThan(3);
    expect(Object.keys(declared)).toEqual(expect.arrayContaining(names));
  });
});
