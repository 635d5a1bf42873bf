import { comparePaths, counted, defined, listed, printable, shortened } from '../text.ts';
import { prefixOf, type SetLocation } from './location.ts';
import type { CompleteRecord } from './record.ts';
import type { SourceEntry, Sources } from './sources.ts';

// Why a build is needed: what differs from an earlier build, and how that is said.

export type ExplanationKind =
  | 'sources-changed'
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
const COMMIT_DIGITS = 12;

const NONE: Names = { count: 0, names: [] };
const NOTHING = { added: NONE, changed: NONE, deleted: NONE, mode: NONE, salt: NONE, patterns: NONE };

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
  return `${commit.slice(0, COMMIT_DIGITS)}${by}`;
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
  const commits = new Set(lookedAt.map(({ id }) => id.slice(0, COMMIT_DIGITS)));
  const prefixes = [...new Set(lookedAt.map(prefixOf))];
  const names = prefixes.map((prefix) => (prefix === '' ? "the bucket's root" : `'${forSentence(prefix)}'`));
  const place = prefixes.join('') === '' ? '' : ` under ${names.join(' or ')}`;
  const sentence = `No earlier commit was built${place}: looked for ${[...commits].join(' and ')}`;
  return { kind: 'first-build', sentence, ...NOTHING };
}

/** Compares what two builds were made from. */
export function compared(now: Sources, before: Sources, baseline: Baseline): Explanation {
  const changes = changesBetween(now.entries, before.entries);
  const salt = changedLines(now, before);
  const patterns = changedPatterns(now, before);
  const since = `since the build of ${described(baseline)}`;
  const { added, changed, deleted, mode } = changes;
  const lists = {
    added: namesOf(added),
    changed: namesOf(changed),
    deleted: namesOf(deleted),
    mode: namesOf(mode),
    salt: namesOf(salt),
    patterns: namesOf(patterns),
  };
  const parts = [
    { kind: 'patterns-changed', text: patternsPart(patterns) },
    { kind: 'sources-changed', text: sourcesPart(changes) },
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

function sourcesPart({ added, changed, deleted, mode, totalCount }: Changes): Part | undefined {
  const lists = { A: added, M: changed, D: deleted, T: mode };
  const all = Object.entries(lists).flatMap(([letter, paths]) => paths.map((path) => ({ letter, path })));
  if (all.length === 0) return undefined;
  const names = all.toSorted((left, right) => comparePaths(left.path, right.path));
  return {
    what: `${all.length} of ${counted(totalCount, 'source')} changed`,
    names: names.map(({ letter, path }) => `${letter} ${path}`),
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
  const shown = listed(names, MOST_SHOWN, (name) => `'${forSentence(name)}'`);
  return { what: `the salt ${shown} changed`, names: [] };
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

function forSentence(name: string): string {
  return shortened(printable(name), MOST_SHOWN_CHARACTERS);
}

function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
