import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from '@jest/globals';
import { INPUTS, type InputRow } from '../../src/inputs/table.ts';

// action.yml and the documentation describe each input exactly like the table.

const ROOT = resolve(import.meta.dirname, '..', '..');
const rows = Object.entries<InputRow>(INPUTS);

function defaultOf({ required, default: text, without = '' }: InputRow): string {
  if (required) return 'required';
  return text === undefined ? without : `\`${text}\``;
}

function variablesOf({ variables = [] }: InputRow): string {
  return variables.map((name) => `\`${name}\``).join(', ');
}

/** The description of one input in action.yml. */
function descriptionOf(row: InputRow): string {
  const variables = `${row.variables?.length === 1 ? 'Variable' : 'Variables'}: ${variablesOf(row)}.`;
  return [
    `${row.help.charAt(0).toUpperCase()}${row.help.slice(1)}.`,
    ...(row.required || defaultOf(row) === '' ? [] : [`Default: ${defaultOf(row)}.`]),
    ...(row.variables === undefined ? [] : [variables]),
  ].join(' ');
}

it('matches action.yml, line for line', () => {
  const declared = rows.map(([name, row]) => {
    // A variable can stand in for the bucket, so the runner must not require it.
    const required = name === 'mode' ? '    required: true\n' : '';
    return `  ${name}:\n    description: ${JSON.stringify(descriptionOf(row))}\n${required}`;
  });
  const [, section] = /^inputs:\n((?: .*\n)*)/m.exec(readFileSync(resolve(ROOT, 'action.yml'), 'utf8')) ?? [];
  expect(section).toBe(declared.join(''));
});

/** The cells of a page's table of inputs, without links and references to other pages. */
function cellsIn(page: string): string[][] {
  const [, body = ''] =
    /^\| input +\| default .*\n\|[ -|]*\n((?:\|.*\n)*)/m.exec(readFileSync(resolve(ROOT, page), 'utf8')) ?? [];
  return body
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .replaceAll(/[;,] see \[[^\]]*\]\([^)]*\)/g, '')
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const cells = rows.map(([name, row]) => [`\`${name}\``, defaultOf(row), variablesOf(row), row.help]);

it('matches docs/guide/inputs.md, line for line', () => {
  expect(cellsIn('docs/guide/inputs.md')).toEqual(cells);
});

it('matches the defaults in the README', () => {
  const shown = cellsIn('README.md').map(([name, text]) => `${name}: ${text}`);
  const common = rows.filter(([name, { common: isCommon }]) => name === 'mode' || isCommon).map(([name]) => name);
  expect(cellsIn('README.md').map(([name]) => name)).toEqual(common.map((name) => `\`${name}\``));
  expect(cells.map(([name, text]) => `${name}: ${text}`)).toEqual(expect.arrayContaining(shown));
});
