import { readFile } from 'node:fs/promises';
import { join, posix, resolve, sep } from 'node:path';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import type { DeclaredPattern } from '../code-hash/code-hash.ts';
import { InputError } from '../errors.ts';
import { comparePaths, isText, printable, systemCode } from '../text.ts';
import { filePatterns, keyPrefix } from './values.ts';

// Reads the document in the input `packages`, and reports mistakes with line and column. packages.schema.json describes
// the same format for editors; a test compares the two.

/** Patterns that belong together: an excluding pattern applies only to the matches of the others. */
export interface PackageSources {
  /** The package that declares them. */
  readonly name: string;
  readonly patterns: readonly string[];
}

export interface PackageEntry {
  readonly name: string;
  /** Where its assets lie, with `/` on every system. */
  readonly directory: string;
  /** Its own, then those of every package that it needs, directly or not; at least one pattern in all. */
  readonly sources: readonly [PackageSources, ...PackageSources[]];
  /** The patterns of all its sources; a mistake in them shows only when git has listed the files. */
  readonly declared: readonly DeclaredPattern[];
  /** The salts of `defaults`, of the package, and of every package that it needs, one per line. */
  readonly salt: string;
  /** Whether it has a set. */
  readonly isStored: boolean;
  readonly files: readonly string[];
}

/** A matrix has at most 256 jobs, and the lists of all packages must fit into an output. */
const MOST_PACKAGES = 500;
const MOST_CHARACTERS = 256 * 1024;
/** Resolving an alias takes a walk over the whole document. */
const MOST_ALIASES = 100;

const TOP_KEYS = ['defaults', 'packages'] as const;
const DEFAULT_KEYS = ['sources', 'salt'] as const;
const PACKAGE_KEYS = ['sources', 'salt', 'directory', 'needs', 'stored', 'files'] as const;

/**
 * Reads the input `packages`.
 *
 * @param text YAML, or the path of a file with YAML
 * @param packageDirectory the folder of packages that have no `directory`
 * @returns the packages in the order of the document
 * @throws InputError for the first mistake, with its line and column
 */
export async function readPackages(text: string, packageDirectory: string): Promise<readonly PackageEntry[]> {
  const isPath = /^[^\r\n]+\.(ya?ml|json)$/i.test(text);
  const yaml = isPath ? await readYaml(text) : text;
  return new PackagesDocument(yaml, isPath ? printable(text) : 'packages').entries(packageDirectory);
}

async function readYaml(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new InputError(
      `packages is '${printable(path)}', which can't be read (${systemCode(cause)}): check out first, or correct the path`,
      { cause },
    );
  }
}

/** A value, and the place to name when something is wrong with it. */
interface Item {
  readonly value: string;
  readonly at: Node;
}

/** A package as the document declares it. */
interface Declared {
  readonly at: Node;
  readonly sources: readonly DeclaredPattern[];
  readonly salt: string;
  readonly directory: Item | undefined;
  readonly needs: readonly Item[];
  readonly isStored: boolean;
  readonly files: readonly Item[];
}

class PackagesDocument {
  readonly #place: string;
  readonly #lines = new LineCounter();
  readonly #document: Document;
  #aliasCount = 0;

  /** @param place names the document in messages */
  constructor(yaml: string, place: string) {
    this.#place = place;
    if (yaml.length > MOST_CHARACTERS)
      throw new InputError(`${place} has ${yaml.length} characters: ${MOST_CHARACTERS} are the most that are read`);
    this.#document = this.#parse(yaml);
  }

  #parse(yaml: string): Document {
    let document: Document;
    try {
      document = parseDocument(yaml, { lineCounter: this.#lines, prettyErrors: false });
    } catch (cause) {
      // Thousands of nested brackets overflow the stack.
      throw new InputError(`${this.#place} can't be read as YAML: does it nest too deeply?`, { cause });
    }
    const [fault] = [...document.errors, ...document.warnings];
    if (fault === undefined) return document;
    const quotes = fault.code === 'TAG_RESOLVE_FAILED' ? `: ${QUOTES}` : '';
    throw this.#error(fault.pos[0], `${printable(fault.message.replaceAll(/\s+/g, ' '))}${quotes}`);
  }

  entries(packageDirectory: string): PackageEntry[] {
    const top = this.#fields(this.#document.contents, 'the document', TOP_KEYS);
    const defaults = top.get('defaults');
    const common = defaults === undefined ? new Map() : this.#fields(defaults, 'defaults', DEFAULT_KEYS);
    const commonSources = this.#patterns(common.get('sources'), "'defaults'");
    const packages = this.#packages(top.get('packages'), commonSources);
    const commonSalt = this.#salt(common.get('salt'));
    const entries = [...packages].map(([name, own]) => {
      const needed = this.#neededBy(name, own, packages);
      return entryOf([name, own], needed, { commonSalt, packageDirectory });
    });
    this.#refuseWithoutSources(entries, packages);
    this.#refuseSharedDirectories(entries, packages);
    return entries;
  }

  #packages(node: Node | undefined, commonSources: readonly DeclaredPattern[]): ReadonlyMap<string, Declared> {
    const start = this.#document.contents ?? undefined;
    if (node === undefined) throw this.#mistake(start, "there is no 'packages': name at least one package there");
    const map = this.#map(node, 'packages');
    if (map.items.length === 0) throw this.#mistake(node, "'packages' is empty: name at least one package");
    if (map.items.length > MOST_PACKAGES)
      throw this.#mistake(node, `there are ${map.items.length} packages: ${MOST_PACKAGES} are the most`);
    const declared = new Map<string, Declared>();
    for (const { key, value } of map.items) {
      const name = this.#name(key);
      declared.set(name.value, this.#declared(name, value, commonSources));
    }
    if ([...declared.values()].every(({ isStored }) => !isStored))
      throw this.#mistake(node, "every package has 'stored: false': at least one has to have a set");
    return declared;
  }

  /** A name becomes a segment of the prefix. */
  #name(key: unknown): Item {
    const name = this.#text(key, "a package's name");
    if (name.value.includes('/') || name.value.trim() !== name.value)
      throw this.#mistake(name.at, `${quoted(name.value)} can't be a package's name: leave out '/' and outer blanks`);
    this.#checked(name.at, () => keyPrefix("a package's name", name.value));
    return name;
  }

  #declared({ value: name, at }: Item, node: unknown, commonSources: readonly DeclaredPattern[]): Declared {
    const fields = this.#fields(node, quoted(name), PACKAGE_KEYS, at);
    const files = this.#list(fields.get('files'), 'files');
    for (const file of files) this.#checked(file.at, () => filePatterns('files', file.value));
    const stored = fields.get('stored');
    const directory = fields.get('directory');
    return {
      at,
      sources: [...commonSources, ...this.#patterns(fields.get('sources'), `package ${quoted(name)}`)],
      salt: this.#salt(fields.get('salt')),
      directory: directory && this.#directory(directory),
      needs: this.#list(fields.get('needs'), 'needs'),
      isStored: stored === undefined || this.#flag(stored, 'stored'),
      files,
    };
  }

  #patterns(node: Node | undefined, owner: string): DeclaredPattern[] {
    const items = this.#list(node, 'sources');
    for (const { value, at } of items) {
      const glob = value.startsWith('!') ? value.slice(1) : value;
      if (glob === '' || glob.includes('\0'))
        throw this.#mistake(at, `${quoted(value)} is not a pattern: give a path or a glob`);
      if (glob.startsWith('/'))
        throw this.#mistake(at, `${quoted(value)}: patterns are relative to the repository, so leave out the '/'`);
      if (leadsOut(glob))
        throw this.#mistake(at, `${quoted(value)} lies outside the repository: patterns are relative to its root`);
    }
    return items.map(({ value, at }) => ({
      pattern: value,
      owner: `the sources of ${owner}`,
      place: this.#placeOf(at.range?.[0]),
    }));
  }

  #salt(node: Node | undefined): string {
    if (node === undefined) return '';
    const { value } = this.#text(node, "'salt'");
    if (value.includes('\0')) throw this.#mistake(node, "'salt' contains a NUL character: take it out");
    return value;
  }

  #directory(node: Node): Item {
    const { value } = this.#text(node, "'directory'");
    const normal = posix.normalize(value).replace(/\/$/, '');
    if (value === '' || /[\p{Cc}\\]|^~/u.test(value))
      throw this.#mistake(node, `'directory' is ${quoted(value)}: give a path whose folders are divided by '/'`);
    if (posix.isAbsolute(value) || /^[a-z]:/i.test(value) || leadsOut(value))
      throw this.#mistake(
        node,
        `'directory' is ${quoted(value)}, which lies outside the workspace: give a path relative to it`,
      );
    return { value: normal, at: node };
  }

  /** @returns all packages that a package needs, directly or not; itself first */
  #neededBy(name: string, own: Declared, packages: ReadonlyMap<string, Declared>): ReadonlyMap<string, Declared> {
    const found = new Map<string, Declared>();
    const path: string[] = [];
    const visit = (next: string, declared: Declared): void => {
      found.set(next, declared);
      path.push(next);
      for (const { value, at } of declared.needs) {
        const needed = packages.get(value);
        if (needed === undefined)
          throw this.#mistake(at, `${quoted(next)} needs ${quoted(value)}, and there is no such package`);
        if (path.includes(value)) throw this.#mistake(at, `these packages need each other: ${circleOf(path, value)}`);
        if (!found.has(value)) visit(value, needed);
      }
      path.pop();
    };
    visit(name, own);
    return found;
  }

  #refuseWithoutSources(entries: readonly PackageEntry[], packages: ReadonlyMap<string, Declared>): void {
    for (const { name, sources } of entries)
      if (sources.every(({ patterns }) => patterns.length === 0))
        throw this.#mistake(packages.get(name)?.at, `${quoted(name)} has no sources: say what its build depends on`);
  }

  /** An upload of the outer package would include the files of the inner one. */
  #refuseSharedDirectories(entries: readonly PackageEntry[], packages: ReadonlyMap<string, Declared>): void {
    const stored = entries.filter(({ isStored }) => isStored);
    const owners = new Map<string, PackageEntry>();
    const refuse = (entry: PackageEntry, other: PackageEntry | undefined): void => {
      if (other === undefined || other === entry) return;
      const { at, directory } = packages.get(entry.name) ?? {};
      const where = entry.directory === other.directory ? 'are both in' : 'are one inside the other at';
      throw this.#mistake(
        directory?.at ?? at,
        `${quoted(other.name)} and ${quoted(entry.name)} ${where} ${quoted(entry.directory)}: give each package a 'directory' of its own`,
      );
    };
    for (const entry of stored) {
      const path = resolve(entry.directory);
      refuse(entry, owners.get(path));
      owners.set(path, entry);
    }
    for (const entry of stored)
      for (const folder of foldersAbove(resolve(entry.directory))) refuse(entry, owners.get(folder));
  }

  // Every node is read by one of these methods.

  #fields<const Key extends string>(node: unknown, what: string, keys: readonly Key[], at?: Node) {
    const fields = new Map<Key, Node>();
    for (const { key, value } of this.#map(node, what, at).items) {
      const { value: name, at: place } = this.#text(key, 'a key');
      const known = keys.find((candidate) => candidate === name);
      if (known === undefined)
        throw this.#mistake(place, `${what} has the unknown key ${quoted(name)}: give ${keys.join(', ')}`);
      const field = this.#resolved(value);
      if (field === undefined) throw this.#mistake(place, `${quoted(name)} has no value: give one, or leave it out`);
      fields.set(known, field);
    }
    return fields;
  }

  #map(node: unknown, what: string, at?: Node): YAMLMap<unknown, unknown> {
    const map = this.#resolved(node);
    if (isMap(map)) return map;
    throw this.#mistake(map ?? at, `${what} is ${kindOf(map)}: give keys with values`);
  }

  #list(node: Node | undefined, what: string): Item[] {
    if (node === undefined) return [];
    if (isSeq(node)) return node.items.map((item) => this.#text(item, `an item of '${what}'`));
    throw this.#mistake(node, `'${what}' is ${kindOf(node)}: give a list, [a, b]`);
  }

  #text(node: unknown, what: string): Item {
    const scalar = this.#resolved(node);
    if (isScalar(scalar) && isText(scalar.value)) return { value: scalar.value, at: scalar };
    const quotes = isScalar(scalar) ? ', or put it in quotes' : '';
    throw this.#mistake(scalar, `${what} is ${kindOf(scalar)}: give a text${quotes}`);
  }

  #flag(node: Node, what: string): boolean {
    if (isScalar(node) && typeof node.value === 'boolean') return node.value;
    throw this.#mistake(node, `'${what}' is ${kindOf(node)}: give true or false`);
  }

  /** @returns the node, or the target of an alias; undefined for a missing or null value */
  #resolved(node: unknown): Node | undefined {
    if (!isAlias(node)) return isMap(node) || isSeq(node) || isScalar(node) ? givenNode(node) : undefined;
    this.#aliasCount += 1;
    if (this.#aliasCount > MOST_ALIASES) throw this.#mistake(node, `there are more than ${MOST_ALIASES} aliases`);
    const target = node.resolve(this.#document);
    if (target === undefined) throw this.#mistake(node, `'*${printable(node.source)}' names no anchor: ${QUOTES}`);
    return target;
  }

  #checked(at: Node, check: () => unknown): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw this.#mistake(at, error.message);
    }
  }

  #mistake(node: Node | undefined, message: string): InputError {
    return this.#error(node?.range?.[0], message);
  }

  #error(offset: number | undefined, message: string): InputError {
    return new InputError(`${this.#placeOf(offset)}: ${message}`);
  }

  #placeOf(offset = 0): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#place}, line ${Math.max(line, 1)}, column ${Math.max(col, 1)}`;
  }
}

const QUOTES = "a pattern that begins with '!' or '*' needs quotes in YAML";

function givenNode<Given extends Node>(node: Given): Given | undefined {
  return isScalar(node) && node.value === null ? undefined : node;
}

function quoted(text: string): string {
  return `'${printable(text)}'`;
}

/** Whether a relative path leads out of the folder it starts from. */
function leadsOut(path: string): boolean {
  return /^\.\.(\/|$)/.test(posix.normalize(path));
}

function kindOf(node: Node | undefined): string {
  if (isMap(node)) return 'a map';
  if (isSeq(node)) return 'a list';
  return isScalar(node) ? quoted(String(node.value)) : 'empty';
}

function circleOf(path: readonly string[], name: string): string {
  return [...path.slice(path.indexOf(name)), name].map(quoted).join(' → ');
}

function foldersAbove(path: string): string[] {
  const segments = path.split(sep);
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join(sep) || sep);
}

/** @param needed the package itself, and all that it needs */
function entryOf(
  [name, own]: readonly [string, Declared],
  needed: ReadonlyMap<string, Declared>,
  { commonSalt, packageDirectory }: { readonly commonSalt: string; readonly packageDirectory: string },
): PackageEntry {
  const byName = [...needed].sort(([left], [right]) => comparePaths(left, right));
  const sourcesOf = ([one, { sources }]: readonly [string, Declared]): PackageSources => ({
    name: one,
    patterns: [...new Set(sources.map(({ pattern }) => pattern))],
  });
  const salts = [commonSalt, ...byName.map(([, { salt }]) => salt)];
  return {
    name,
    directory: own.directory?.value ?? join(packageDirectory, name).split(sep).join('/'),
    sources: [sourcesOf([name, own]), ...byName.filter(([one]) => one !== name).map(sourcesOf)],
    declared: [...needed.values()].flatMap(({ sources }) => sources),
    salt: salts.filter((salt) => salt !== '').join('\n'),
    isStored: own.isStored,
    files: own.files.map(({ value }) => value),
  };
}
