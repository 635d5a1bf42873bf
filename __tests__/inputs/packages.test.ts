import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { type PackageEntry, readPackages } from '../../src/inputs/packages-document.ts';

function read(text: string, packageDirectory = './packages'): Promise<readonly PackageEntry[]> {
  return readPackages(text, packageDirectory);
}

async function messageOf(text: string): Promise<string> {
  return read(text).then(
    () => '',
    (error: Error) => `${error.name}: ${error.message}`,
  );
}

const EXAMPLE = `
defaults:
  sources: [package-lock.json, .github/workflows/build.yml]
  salt: node=24
packages:
  shared: { sources: [shared/**], stored: false }
  api:    { sources: [api/**, "!**/*.md"], directory: api/dist, needs: [shared] }
  site:   { sources: [site/**], directory: site/dist, needs: [shared], salt: theme=dark, files: ["**", "!*.map"] }
`;

describe('readPackages', () => {
  it('combines the sources of a package with those of the packages it needs', async () => {
    const common = ['package-lock.json', '.github/workflows/build.yml'];
    const shared = { name: 'shared', patterns: [...common, 'shared/**'] };
    const entries = await read(EXAMPLE);
    expect(entries.map(({ declared, ...entry }) => entry)).toEqual([
      {
        name: 'shared',
        directory: 'packages/shared',
        sources: [shared],
        salt: 'node=24',
        isStored: false,
        files: [],
      },
      {
        name: 'api',
        directory: 'api/dist',
        sources: [{ name: 'api', patterns: [...common, 'api/**', '!**/*.md'] }, shared],
        salt: 'node=24',
        isStored: true,
        files: [],
      },
      {
        name: 'site',
        directory: 'site/dist',
        sources: [{ name: 'site', patterns: [...common, 'site/**'] }, shared],
        salt: 'node=24\ntheme=dark',
        isStored: true,
        files: ['**', '!*.map'],
      },
    ]);
  });

  it('keeps the place of each pattern, and whose it is', async () => {
    const defaults = [
      {
        pattern: 'package-lock.json',
        owner: "the sources of 'defaults'",
        place: 'packages, line 3, column 13',
      },
      {
        pattern: '.github/workflows/build.yml',
        owner: "the sources of 'defaults'",
        place: 'packages, line 3, column 32',
      },
    ];
    const of = (name: string, pattern: string, place: string) => ({
      pattern,
      owner: `the sources of package '${name}'`,
      place: `packages, ${place}`,
    });
    const [, api] = await read(EXAMPLE);
    expect(api?.declared).toEqual([
      ...defaults,
      of('api', 'api/**', 'line 7, column 23'),
      of('api', '!**/*.md', 'line 7, column 31'),
      ...defaults,
      of('shared', 'shared/**', 'line 6, column 23'),
    ]);
  });

  it('follows needs transitively, and joins salts in the order of names', async () => {
    const entries = await read(`
      packages:
        c: { sources: [c], salt: of c, needs: [b, a] }
        b: { sources: [b], salt: of b, needs: [a] }
        a: { sources: [a], salt: of a }`);
    expect(entries[0]).toMatchObject({
      salt: 'of a\nof b\nof c',
      sources: [{ name: 'c' }, { name: 'a' }, { name: 'b' }],
    });
  });

  it('reads a file, also JSON, and names it in messages', async () => {
    const folder = await mkdtemp(join(tmpdir(), 's3-asset-manager-packages-'));
    const path = join(folder, 'packages.json');
    await writeFile(path, JSON.stringify(parse(EXAMPLE), undefined, '\t'));
    const [entries, inline] = await Promise.all([read(path), read(EXAMPLE)]);
    expect(entries.map(({ declared, ...entry }) => entry)).toEqual(inline.map(({ declared, ...entry }) => entry));
    expect(entries[0]?.declared[0]?.place).toBe(`${path}, line 4, column 4`);
    await writeFile(path, '{"packages":\n{"api": {"source": []}}}');
    expect(await messageOf(path)).toContain(`${path}, line 2, column 10: 'api' has the unknown key 'source'`);
    await rm(folder, { recursive: true });
    expect(await messageOf(path)).toBe(
      `InputError: packages is '${path}', which can't be read (ENOENT): check out first, or correct the path`,
    );
  });

  it('accepts aliases within limits', async () => {
    const common = 'x: &x [a]'.replace('x: ', '');
    const [one] = await read(`packages:\n  one: { sources: ${common} }\n  two: { sources: *x }`);
    expect(one?.sources[0].patterns).toEqual(['a']);
    const many = Array.from({ length: 101 }, (_, index) => `  p${index}: { sources: *x }`).join('\n');
    expect(await messageOf(`packages:\n  one: { sources: &x [a] }\n${many}`)).toContain('more than 100 aliases');
  });

  it.each([
    ['nested aliases', `a: &a [x]\n${'b: &b [*a, *a]\n'.repeat(3)}`],
    ['brackets', '['.repeat(50_000)],
    ['much text', `# ${'x'.repeat(300_000)}`],
    ['many packages', `packages:\n${Array.from({ length: 501 }, (_, index) => `  p${index}: {}\n`).join('')}`],
  ])('refuses %s at once', async (_, text) => {
    const start = Date.now();
    expect(await messageOf(text)).toMatch(/^InputError: packages/);
    expect(Date.now() - start).toBeLessThan(5000);
  });
});

/** Documents that both the parser and the schema accept. */
const ACCEPTED = [
  EXAMPLE,
  'packages: { api: { sources: [api/**] } }',
  '{"packages": {"api": {"sources": ["api/**"], "needs": [], "stored": true}}}',
  'packages: { "an api, v2": { sources: ["!docs/**"] } }',
  'packages: { a: { sources: [.], directory: ./x/../y/ } }',
];

/** Malformed documents, which an editor with the schema can detect, and the parser's messages. */
const MISSHAPEN: readonly [string, string][] = [
  ['', 'line 1, column 1: the document is empty: give keys with values'],
  ['[]', 'line 1, column 1: the document is a list: give keys with values'],
  ['defaults: {}', "line 1, column 1: there is no 'packages': name at least one package there"],
  ['packages: {}', "line 1, column 11: 'packages' is empty: name at least one package"],
  ['packages: [api]', 'line 1, column 11: packages is a list: give keys with values'],
  ['package: {}', "line 1, column 1: the document has the unknown key 'package': give defaults, packages"],
  [
    'packages:\n  api: { source: [a] }',
    "line 2, column 10: 'api' has the unknown key 'source': give sources, salt, directory, needs, stored, files",
  ],
  ['packages: { api: a }', "line 1, column 18: 'api' is 'a': give keys with values"],
  ['packages:\n  api:', "line 2, column 3: 'api' is empty: give keys with values"],
  ['packages: { api: { sources: src } }', "column 29: 'sources' is 'src': give a list, [a, b]"],
  ['packages: { api: { sources: [1] } }', "column 30: an item of 'sources' is '1': give a text, or put it in quotes"],
  ['packages: { api: { sources: [[a]] } }', "column 30: an item of 'sources' is a list: give a text"],
  ['packages: { api: { sources: [""] } }', "column 30: '' is not a pattern: give a path or a glob"],
  ['packages: { api: { sources: ["!"] } }', "column 30: '!' is not a pattern: give a path or a glob"],
  ['packages: { api: { sources: [/a] } }', "column 30: '/a': patterns are relative to the repository"],
  ['packages: { api: { sources: ["!/a"] } }', "column 30: '!/a': patterns are relative to the repository"],
  ['packages: { api: { sources: [a], salt: 24 } }', "column 40: 'salt' is '24': give a text, or put it in quotes"],
  ['packages: { api: { sources: [a], stored: "no" } }', "column 42: 'stored' is 'no': give true or false"],
  ['packages: { api: { sources: [a], needs: b } }', "column 41: 'needs' is 'b': give a list, [a, b]"],
  ['packages: { api: { sources: [a], salt: } }', "column 34: 'salt' has no value: give one, or leave it out"],
  ['packages: { api: { sources: [a], directory: /tmp } }', "'directory' is '/tmp', which lies outside the workspace"],
  ['packages: { api: { sources: [a], directory: ../x } }', "'directory' is '../x', which lies outside the workspace"],
  ['packages: { api: { sources: [a], directory: "C:/x" } }', "'directory' is 'C:/x', which lies outside the workspace"],
  ['packages: { api: { sources: [a], directory: ~/x } }', "'directory' is '~/x': give a path whose folders are"],
  ['packages: { api: { sources: [a], directory: a\\b } }', "'directory' is 'a\\b': give a path whose folders are"],
  ['packages: { api: { sources: [a], directory: "" } }', "'directory' is '': give a path whose folders are"],
  ['packages: { api: { sources: [a], files: [../x] } }', "column 42: files is '../x': give patterns relative to"],
  ['packages: { a/b: { sources: [a] } }', "column 13: 'a/b' can't be a package's name: leave out '/' and outer blanks"],
  ['packages: { " a": { sources: [a] } }', "column 13: ' a' can't be a package's name: leave out '/' and outer blanks"],
  [
    'packages: { cache: { sources: [a] } }',
    "column 13: a package's name is 'cache': this action keeps its own objects",
  ],
  ['packages: { "..": { sources: [a] } }', "column 13: a package's name is '..': give segments divided by '/'"],
  ['packages: { "a\\\\b": { sources: [a] } }', "column 13: a package's name is 'a\\b': give segments divided by '/'"],
  ['packages: { "": { sources: [a] } }', "column 13: a package's name is '': give segments divided by '/'"],
  ['defaults: { needs: [a] }\npackages: { a: {} }', "line 1, column 13: defaults has the unknown key 'needs'"],
  ['defaults: { sources: a }\npackages: { a: {} }', "line 1, column 22: 'sources' is 'a': give a list, [a, b]"],
];

/** Well-formed documents without a meaning. */
const MEANINGLESS: readonly [string, string][] = [
  ['packages: { 1: { sources: [a] } }', "column 13: a package's name is '1': give a text, or put it in quotes"],
  ['packages: { a: { sources: [a], needs: [b] } }', "column 40: 'a' needs 'b', and there is no such package"],
  [
    'packages:\n  a: { sources: [a], needs: [b] }\n  b: { sources: [b], needs: [c] }\n  c: { sources: [c], needs: [b] }',
    "line 4, column 30: these packages need each other: 'b' → 'c' → 'b'",
  ],
  ['packages: { a: { sources: [a], needs: [a] } }', "column 40: these packages need each other: 'a' → 'a'"],
  ['packages: { a: { sources: [../x] } }', "column 28: '../x' lies outside the repository: patterns are relative to"],
  ['packages: { a: { sources: ["!a/../.."] } }', "column 28: '!a/../..' lies outside the repository"],
  ['packages: { a: { stored: true } }', "column 13: 'a' has no sources: say what its build depends on"],
  [
    'packages: { a: { sources: [a], stored: false } }',
    "every package has 'stored: false': at least one has to have a set",
  ],
  [
    'packages:\n  a: { sources: [a], directory: dist }\n  b: { sources: [b], directory: ./x/../dist/ }',
    "line 3, column 33: 'a' and 'b' are both in 'dist': give each package a 'directory' of its own",
  ],
  [
    'packages:\n  a: { sources: [a], directory: dist/a }\n  b: { sources: [b], directory: dist }',
    "line 2, column 33: 'b' and 'a' are one inside the other at 'dist/a': give each package a 'directory' of its own",
  ],
  ['packages: { a: { sources: [a], directory: x/../../y } }', "'directory' is 'x/../../y', which lies outside"],
];

/** Documents that are not YAML, or not what the author meant. */
const UNREADABLE: readonly [string, string][] = [
  [
    'packages:\n  a: { sources: [a, !**/*.md] }',
    "line 2, column 21: Unresolved tag: !**/*.md: a pattern that begins with '!'",
  ],
  [
    'packages:\n  a: { sources: [**/*.ts] }',
    "line 2, column 18: '**/*.ts' names no anchor: a pattern that begins with '!'",
  ],
  ['packages: { a: {}, a: {} }', 'column 20: Map keys must be unique'],
  ['packages: {', 'Flow map in block collection'],
  ['packages: { a: {} }\n---\nb', 'line 2, column 1: Source contains multiple documents'],
];

describe('a mistake', () => {
  it.each([...MISSHAPEN, ...MEANINGLESS, ...UNREADABLE])('is reported with its place: %j', async (text, message) => {
    const actual = await messageOf(text);
    expect(actual).toMatch(/^InputError: packages, line \d+, column \d+: /);
    expect(actual).toContain(message);
    expect(actual).not.toMatch(/[\r\n]/);
  });
});

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The JSON Schema keywords that our schema uses. */
interface Schema {
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly Json[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly propertyNames?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | false;
  readonly allOf?: readonly Schema[];
  readonly not?: Schema;
}

const schema: Schema = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '..', '..', 'packages.schema.json'), 'utf8'),
);

const KEYWORDS: Readonly<Record<string, (of: Schema, value: Json) => boolean>> = {
  type: ({ type }, value) => typeOf(value) === type,
  enum: (of, value) => of.enum?.includes(value) ?? true,
  pattern: ({ pattern = '' }, value) => !isString(value) || new RegExp(pattern, 'u').test(value),
  minLength: ({ minLength = 0 }, value) => !isString(value) || value.length >= minLength,
  items: ({ items = {} }, value) => !Array.isArray(value) || value.every((item) => isValid(items, item)),
  required: ({ required = [] }, value) => required.every((name) => namesOf(value).includes(name)),
  minProperties: ({ minProperties = 0 }, value) => namesOf(value).length >= minProperties,
  maxProperties: ({ maxProperties = 0 }, value) => namesOf(value).length <= maxProperties,
  propertyNames: ({ propertyNames = {} }, value) => namesOf(value).every((name) => isValid(propertyNames, name)),
  properties: ({ properties = {} }, value) =>
    fieldsOf(value).every(([name, field]) => isValid(properties[name] ?? {}, field)),
  additionalProperties: ({ additionalProperties: others = {}, properties = {} }, value) =>
    fieldsOf(value).every(([name, field]) => name in properties || (others !== false && isValid(others, field))),
  allOf: ({ allOf = [] }, value) => allOf.every((one) => isValid(one, value)),
  not: ({ not = {} }, value) => !isValid(not, value),
  $ref: ({ $ref = '' }, value) => isValid(schema.$defs?.[$ref.replace('#/$defs/', '')] ?? { enum: [] }, value),
};

const SAYS_NOTHING = ['$schema', '$defs', 'title', 'description'];

/** A validator for the keywords that our schema uses; any other keyword fails the test. */
function isValid(of: Schema, value: Json): boolean {
  return Object.keys(of)
    .filter((keyword) => !SAYS_NOTHING.includes(keyword))
    .every((keyword) => {
      const check = KEYWORDS[keyword];
      if (check === undefined) throw new Error(`${keyword} is not known`);
      return check(of, value);
    });
}

function isString(value: Json): value is string {
  return typeof value === 'string';
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function fieldsOf(value: Json): [string, Json][] {
  return typeOf(value) === 'object' ? Object.entries(Object(value)) : [];
}

function namesOf(value: Json): string[] {
  return fieldsOf(value).map(([name]) => name);
}

describe('packages.schema.json', () => {
  it.each(ACCEPTED)('accepts whatever the parser accepts: %j', async (text) => {
    expect(await messageOf(text)).toBe('');
    expect(isValid(schema, parse(text))).toBe(true);
  });

  it.each(MISSHAPEN)('refuses malformed packages like the parser: %j', (text) => {
    expect(isValid(schema, parse(text))).toBe(false);
  });

  it.each(MEANINGLESS)('leaves other mistakes to the parser: %j', (text) => {
    expect(isValid(schema, parse(text))).toBe(true);
  });
});
