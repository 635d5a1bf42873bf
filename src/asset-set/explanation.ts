import { comparePaths, counted, defined, listed, printable, shortened, shortId } from '../text.ts';
import { prefixOf, type SetLocation } from './location.ts';
import type { CompleteRecord } from './record.ts';
import type { SourceEntry, Sources } from './sources.ts';

// Why a build is needed: what differs from an earlier build, and how that is said.

export type ExplanationKind =
  | 'sources-changed'
  /** Nothing but sources of packages that this one needs. */
  | 'needs-changed'
  | 'salt-changed'
  | 'patterns-changed'
  /** The code is another one, and nothing tells more. */
  | 'code-changed'
  /** The same code was built, and its set can't be used any more. */
  | 'set-gone'
  /** Never of a miss. */
  | 'same-code'
  | 'first-build'
  /** There is a build to compare with, and nothing tells what it was built from. */
  | 'no-sources';

/** An earlier build that this one is compared with. */
export interface Baseline {
  readonly commit: string;
  readonly codeHash?: string;
  /** Number and page of the run that stored it. */
  readonly run?: string;
  readonly url?: string;
}

/** The first of them, and how many there are. */
export interface Names {
  readonly count: number;
  readonly names: readonly string[];
}

/** The output `explanation`. Names come from elsewhere, and may hold anything. */
export interface Explanation {
  readonly kind: ExplanationKind;
  /** In one line that is safe to show, without its full stop. */
  readonly sentence: string;
  readonly baseline?: Baseline;
  readonly added: Names;
  readonly changed: Names;
  readonly deleted: Names;
  /** Of which nothing but the mode changed. */
  readonly mode: Names;
  /** Packages that this one needs, and whose sources are among these. */
  readonly needs: Names;
  /** Lines of the salt, by their names. */
  readonly salt: Names;
  /** `+` or `-` before each. */
  readonly patterns: Names;
}

const MOST_NAMES = 100;
/** Paths may have any length. */
const MOST_NAME_CHARACTERS = 300;
/** In a sentence. */
const MOST_SHOWN = 5;
const MOST_SHOWN_CHARACTERS = 100;

const NONE: Names = { count: 0, names: [] };
const NOTHING = { added: NONE, changed: NONE, deleted: NONE, mode: NONE, needs: NONE, salt: NONE, patterns: NONE };

/** @returns what a record says of the build that it is of */
export function baselineOf({ commit, codeHash, writer }: CompleteRecord): Baseline {
  return defined({ commit, codeHash, run: writer.runId, url: writer.url });
}

function namesOf(all: readonly string[]): Names {
  const names = all.slice(0, MOST_NAMES).map((name) => shortened(name, MOST_NAME_CHARACTERS));
  return { count: all.length, names };
}

/** `6f2c1d0a9b8e (run 128)` */
function described({ commit, run }: Baseline): string {
  const by = run === undefined ? '' : ` (run ${shortened(printable(run), MOST_SHOWN_CHARACTERS)})`;
  return `${shortId(commit)}${by}`;
}

/** @param state what is wrong with the set of the same code */
export function setGone(baseline: Baseline, state: 'gone' | 'damaged' | 'archived'): Explanation {
  const sentence = `The same code was built for ${described(baseline)}, and its set is ${state}`;
  return { kind: 'set-gone', sentence, baseline, ...NOTHING };
}

/** Of two builds that are both there. */
export function sameCode(baseline: Baseline): Explanation {
  const sentence = `The code is the same as that of the build of ${described(baseline)}`;
  return { kind: 'same-code', sentence, baseline, ...NOTHING };
}

export function noSources(baseline: Baseline): Explanation {
  const sentence = `The build of ${described(baseline)} has no list of its sources to compare with`;
  return { kind: 'no-sources', sentence, baseline, ...NOTHING };
}

export function codeChanged(baseline: Baseline): Explanation {
  const sentence = `The code is another one than that of the build of ${described(baseline)}`;
  return { kind: 'code-changed', sentence, baseline, ...NOTHING };
}

/** @param lookedAt where there might have been a build to compare with */
export function firstBuild(lookedAt: readonly SetLocation[]): Explanation {
  if (lookedAt.length === 0)
    return { kind: 'first-build', sentence: 'There is no earlier commit to compare with', ...NOTHING };
  const commits = new Set(lookedAt.map(({ id }) => shortId(id)));
  const prefixes = [...new Set(lookedAt.map(prefixOf))];
  const names = prefixes.map((prefix) => (prefix === '' ? "the bucket's root" : `'${forSentence(prefix)}'`));
  const place = prefixes.join('') === '' ? '' : ` under ${names.join(' or ')}`;
  const sentence = `No earlier commit was built${place}: looked for ${[...commits].join(' and ')}`;
  return { kind: 'first-build', sentence, ...NOTHING };
}

/** A package whose sources are those of other packages too. */
export interface NeedyPackage {
  readonly name: string;
  /** @returns the package that it needs and a source is of; undefined for its own, and where nobody knows */
  readonly needOf: (path: string) => string | undefined;
}

interface Comparison {
  readonly now: Sources;
  readonly before: Sources;
  readonly baseline: Baseline;
  readonly package?: NeedyPackage | undefined;
}

/** Compares what two builds were made from. */
export function compared({ now, before, baseline, package: one }: Comparison): Explanation {
  const changes = changesBetween(now.entries, before.entries);
  const salt = changedLines(now, before);
  const patterns = changedPatterns(now, before);
  const since = `since the build of ${described(baseline)}`;
  const { added, changed, deleted, mode } = changes;
  const needs = needsIn(changes, one);
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
  /** Of both builds together. */
  readonly totalCount: number;
}

function changesBetween(now: readonly SourceEntry[], before: readonly SourceEntry[]): Changes {
  const earlier = new Map(before.map((entry) => [entry[2], entry]));
  const [added, changed, mode]: [string[], string[], string[]] = [[], [], []];
  for (const [newMode, id, path] of now) {
    const old = earlier.get(path);
    earlier.delete(path);
    if (old === undefined) added.push(path);
    else if (old[1] !== id) changed.push(path);
    else if (old[0] !== newMode) mode.push(path);
  }
  const deleted = [...earlier.keys()];
  return { added, changed, deleted, mode, totalCount: now.length + deleted.length };
}

interface Needs {
  /** In the order of their names. */
  readonly names: readonly string[];
  /** Whether every change is in one of them. */
  readonly isAll: boolean;
  readonly needyName: string;
}

function needsIn({ added, changed, deleted, mode }: Changes, one: NeedyPackage | undefined): Needs {
  const owners = [added, changed, deleted, mode].flatMap((paths) => paths.map((path) => one?.needOf(path)));
  const known = owners.filter((name) => name !== undefined);
  const isAll = known.length > 0 && known.length === owners.length;
  return { names: [...new Set(known)].sort(comparePaths), isAll, needyName: one?.name ?? '' };
}

function sourcesPart(changes: Changes, { isAll, names, needyName }: Needs): Part | undefined {
  const lines = changeLines(changes);
  if (lines.length === 0) return undefined;
  const what = isAll
    ? `${listed(names, MOST_SHOWN, quoted)}, which ${quoted(needyName)} needs, changed`
    : `${lines.length} of ${counted(changes.totalCount, 'source')} changed`;
  return { what, names: lines };
}

/** `M api/x.ts`, in the order of the paths. */
function changeLines({ added, changed, deleted, mode }: Omit<Changes, 'totalCount'>): string[] {
  const lists = { A: added, M: changed, D: deleted, T: mode };
  const all = Object.entries(lists).flatMap(([letter, paths]) => paths.map((path) => ({ letter, path })));
  return all
    .toSorted((left, right) => comparePaths(left.path, right.path))
    .map(({ letter, path }) => `${letter} ${path}`);
}

/** @returns the sources that changed, where there are more than its sentence has; not safe to show */
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

/** A name may come twice. */
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

function patternsPart(names: readonly string[]): Part | undefined {
  return names.length === 0 ? undefined : { what: 'the patterns changed', names };
}

/** `: M api/x.ts, A api/y.ts and 3 more`; nothing where there is none. */
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
