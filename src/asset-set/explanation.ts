import type { SourceName } from '../ports.ts';
import { comparePaths, counted, defined, listed, printable, shortened, shortId } from '../text.ts';
import { prefixOf, type SetLocation } from './location.ts';
import { builderOf, builtCommitOf, type CompleteRecord, runLabel } from './record.ts';
import type { SourceEntry, Sources } from './sources.ts';

// Why a build is needed: the differences from an earlier build, and the sentence that describes them.

export type ExplanationKind =
  | 'sources-changed'
  /** Only sources of packages that this one needs changed. */
  | 'needs-changed'
  | 'salt-changed'
  | 'patterns-changed'
  /** The code differs, but nothing shows how. */
  | 'code-changed'
  /** The same code was built, but its set can no longer be used. */
  | 'set-gone'
  /** Only for two stored builds, never for a miss. */
  | 'same-code'
  | 'first-build'
  /** There is an earlier build, but no list of its sources. */
  | 'no-sources';

/** An earlier build that this one is compared with. */
export interface Baseline {
  readonly commit: string;
  readonly codeHash?: string;
  /** The run that built it, as its system's pages name it; `url` is the run's page. */
  readonly run?: string;
  readonly url?: string;
}

/** A list that may be cut short: its first names, and the number of all. */
export interface Names {
  readonly count: number;
  readonly names: readonly string[];
}

/** The output `explanation`. Its names are untrusted: they may contain anything. */
export interface Explanation {
  readonly kind: ExplanationKind;
  /** One line that is safe to print, without a full stop. */
  readonly sentence: string;
  readonly baseline?: Baseline;
  readonly added: Names;
  readonly changed: Names;
  readonly deleted: Names;
  /** Sources whose mode changed, but not their contents. */
  readonly mode: Names;
  /** Packages that this one needs and whose sources changed. */
  readonly needs: Names;
  /** Names of the salt's lines that changed. */
  readonly salt: Names;
  /** Patterns that were added or removed, each after a `+` or `-`. */
  readonly patterns: Names;
}

/** Of git. */
const SUBMODULE_MODE = '160000';
const MOST_NAMES = 100;
/** Paths may have any length. */
const MOST_NAME_CHARACTERS = 300;
/** Names per sentence. */
const MOST_SHOWN = 5;
const MOST_SHOWN_CHARACTERS = 100;

const NONE: Names = { count: 0, names: [] };
const NOTHING = { added: NONE, changed: NONE, deleted: NONE, mode: NONE, needs: NONE, salt: NONE, patterns: NONE };

/** @returns the build that a record describes: of a copy, that of the commit and the run that built it */
export function baselineOf(record: CompleteRecord): Baseline {
  const { commit, codeHash } = record;
  const { url, ...run } = builderOf(record) ?? {};
  return defined({ commit: builtCommitOf(record) ?? commit, codeHash, run: runLabel(run), url });
}

function namesOf(all: readonly string[]): Names {
  const names = all.slice(0, MOST_NAMES).map((name) => shortened(name, MOST_NAME_CHARACTERS));
  return { count: all.length, names };
}

/** @returns `6f2c1d0a9b8e (run 128)`, for example */
function described({ commit, run }: Baseline): string {
  const by = run === undefined ? '' : ` (run ${shortened(printable(run), MOST_SHOWN_CHARACTERS)})`;
  return `${shortId(commit)}${by}`;
}

/** @param state why the set of the same code can't be used */
export function setGone(baseline: Baseline, state: 'gone' | 'damaged' | 'archived'): Explanation {
  const sentence = `The same code was built for ${described(baseline)}, and its set is ${state}`;
  return { kind: 'set-gone', sentence, baseline, ...NOTHING };
}

export function sameCode(baseline: Baseline): Explanation {
  const sentence = `The code is the same as that of the build of ${described(baseline)}`;
  return { kind: 'same-code', sentence, baseline, ...NOTHING };
}

export function noSources(baseline: Baseline): Explanation {
  const sentence = `The build of ${described(baseline)} has no list of its sources to compare with`;
  return { kind: 'no-sources', sentence, baseline, ...NOTHING };
}

export function codeChanged(baseline: Baseline): Explanation {
  const sentence = `The code differs from the build of ${described(baseline)}`;
  return { kind: 'code-changed', sentence, baseline, ...NOTHING };
}

/** @param lookedAt places that were searched for a build to compare with */
export function firstBuild(lookedAt: readonly SetLocation[]): Explanation {
  if (lookedAt.length === 0)
    return { kind: 'first-build', sentence: 'There is no earlier commit to compare with', ...NOTHING };
  const commits = [...new Set(lookedAt.map(({ id }) => shortId(id)))];
  const prefixes = [...new Set(lookedAt.map(prefixOf))];
  const names = prefixes.map((prefix) => (prefix === '' ? "the bucket's root" : `'${forSentence(prefix)}'`));
  const place = prefixes.join('') === '' ? '' : ` under ${names.join(' or ')}`;
  const sentence = `There is no build to compare with${place}: looked for ${listed(commits, MOST_SHOWN)}`;
  return { kind: 'first-build', sentence, ...NOTHING };
}

/** A package whose code hash also covers the sources of packages that it needs. */
export interface PackageWithNeeds {
  readonly name: string;
  /**
   * @returns for each source, the needed package that it belongs to; undefined if it is this package's own, or if that
   *   is unknown
   */
  readonly ownersOf: (sources: readonly SourceName[]) => Promise<readonly (string | undefined)[]>;
}

interface Comparison {
  readonly now: Sources;
  readonly before: Sources;
  readonly baseline: Baseline;
  readonly package?: PackageWithNeeds | undefined;
}

/** Compares the sources of two builds. */
export async function compared({ now, before, baseline, package: one }: Comparison): Promise<Explanation> {
  const changes = changesBetween(now.entries, before.entries);
  const salt = changedLines(now, before);
  const patterns = changedPatterns(now, before);
  const since = `since the build of ${described(baseline)}`;
  const { added, changed, deleted, mode } = changes;
  const needs = await needsIn(changes, one);
  const lists = {
    added: namesOf(added),
    changed: namesOf(changed),
    deleted: namesOf(deleted),
    mode: namesOf(mode),
    needs: namesOf(needs.names),
    salt: namesOf(salt),
    patterns: namesOf(patterns),
  };
  const parts = [
    { kind: 'patterns-changed', text: patternsPart(patterns) },
    { kind: needs.isAll ? 'needs-changed' : 'sources-changed', text: sourcesPart(changes, needs) },
    { kind: 'salt-changed', text: saltPart(salt) },
  ] as const;
  const [first, ...others] = parts.filter(({ text }) => text !== undefined);
  if (first?.text === undefined) return codeChanged(baseline);
  const { what, names } = first.text;
  const also = others.map(({ text }) => text && `${text.what}${afterColon(text.names)}`);
  const sentence = [`${what} ${since}${afterColon(names)}`, ...also].join('; ');
  return { kind: first.kind, sentence: capitalized(sentence), baseline, ...lists };
}

interface Part {
  readonly what: string;
  readonly names: readonly string[];
}

interface Changes {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly deleted: readonly string[];
  readonly mode: readonly string[];
  /** All of these. */
  readonly sources: readonly SourceName[];
  /** Number of paths in either build. */
  readonly totalCount: number;
}

function changesBetween(now: readonly SourceEntry[], before: readonly SourceEntry[]): Changes {
  const earlier = new Map(before.map((entry) => [entry[2], entry]));
  const [added, changed, mode]: [string[], string[], string[]] = [[], [], []];
  const sources: SourceName[] = [];
  for (const entry of now) {
    const [newMode, id, path] = entry;
    const old = earlier.get(path);
    earlier.delete(path);
    if (old?.[0] === newMode && old[1] === id) continue;
    sources.push(sourceName(entry, false));
    if (old === undefined) added.push(path);
    else if (old[1] !== id) changed.push(path);
    else mode.push(path);
  }
  for (const entry of earlier.values()) sources.push(sourceName(entry, true));
  const deleted = [...earlier.keys()];
  return { added, changed, deleted, mode, sources, totalCount: now.length + deleted.length };
}

function sourceName([mode, , path]: SourceEntry, isDeleted: boolean): SourceName {
  return { path, isSubmodule: mode === SUBMODULE_MODE, isDeleted };
}

interface Needs {
  /** Sorted. */
  readonly names: readonly string[];
  /** Whether every change is in one of them. */
  readonly isAll: boolean;
  readonly dependentName: string;
}

async function needsIn({ sources }: Changes, dependent: PackageWithNeeds | undefined): Promise<Needs> {
  const owners = sources.length === 0 ? [] : ((await dependent?.ownersOf(sources)) ?? []);
  const known = owners.filter((name) => name !== undefined);
  const isAll = known.length > 0 && known.length === owners.length;
  return { names: [...new Set(known)].sort(comparePaths), isAll, dependentName: dependent?.name ?? '' };
}

function sourcesPart(changes: Changes, { isAll, names, dependentName }: Needs): Part | undefined {
  const lines = changeLines(changes);
  if (lines.length === 0) return undefined;
  const what = isAll
    ? `${listed(names, MOST_SHOWN, quoted)}, which ${quoted(dependentName)} needs, changed`
    : `${lines.length} of ${counted(changes.totalCount, 'source')} changed`;
  return { what, names: lines };
}

/** @returns lines such as `M api/x.ts`, sorted by path */
function changeLines({ added, changed, deleted, mode }: Omit<Changes, 'sources' | 'totalCount'>): string[] {
  const lists = { A: added, M: changed, D: deleted, T: mode };
  const all = Object.entries(lists).flatMap(([letter, paths]) => paths.map((path) => ({ letter, path })));
  return all
    .toSorted((left, right) => comparePaths(left.path, right.path))
    .map(({ letter, path }) => `${letter} ${path}`);
}

/** @returns the sources that changed, if there are more than the sentence names; not safe to print */
export function changesOf({ added, changed, deleted, mode }: Explanation): Names | undefined {
  const count = added.count + changed.count + deleted.count + mode.count;
  if (count <= MOST_SHOWN) return undefined;
  return {
    count,
    names: changeLines({ added: added.names, changed: changed.names, deleted: deleted.names, mode: mode.names }),
  };
}

function changedLines({ salt: now }: Sources, { salt: before }: Sources): string[] {
  const [digests, earlier] = [digestsByName(now), digestsByName(before)];
  const names = new Set([...digests.keys(), ...earlier.keys()]);
  return [...names].filter((name) => digests.get(name) !== earlier.get(name));
}

/** A name may occur several times, so its digests are joined. */
function digestsByName(lines: Sources['salt']): Map<string, string> {
  const digests = new Map<string, string>();
  for (const { name, digest } of lines) digests.set(name, `${digests.get(name) ?? ''} ${digest}`);
  return digests;
}

function saltPart(names: readonly string[]): Part | undefined {
  if (names.length === 0) return undefined;
  return { what: `the salt ${listed(names, MOST_SHOWN, quoted)} changed`, names: [] };
}

function changedPatterns({ patterns: now }: Sources, { patterns: before }: Sources): string[] {
  const [these, those] = [new Set(now), new Set(before)];
  const added = [...these.difference(those)].map((pattern) => `+${pattern}`);
  return [...added, ...[...those.difference(these)].map((pattern) => `-${pattern}`)];
}

function patternsPart(lines: readonly string[]): Part | undefined {
  const names = lines.map((line) => `${line.startsWith('+') ? 'added' : 'removed'} ${line.slice(1)}`);
  return names.length === 0 ? undefined : { what: 'the patterns changed', names };
}

/** @returns `: M api/x.ts, A api/y.ts and 3 more`, for example; empty if there are no names */
function afterColon(names: readonly string[]): string {
  return names.length === 0 ? '' : `: ${listed(names, MOST_SHOWN, forSentence)}`;
}

function quoted(name: string): string {
  return `'${forSentence(name)}'`;
}

function forSentence(name: string): string {
  return shortened(printable(name), MOST_SHOWN_CHARACTERS);
}

function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
