import type { Explanation } from './asset-set/explanation.ts';
import { prefixOf, type SetLocation, uriOf } from './asset-set/location.ts';
import { amountOf, runLabel, totalSize } from './asset-set/record.ts';
import { ageIn } from './asset-set/status.ts';
import type { Inputs } from './inputs/inputs.ts';
import { missingPackages, type Outcome, type PackageOutcome } from './modes/outcome.ts';
import type { Log } from './ports.ts';
import type { RunIdentity } from './run-context.ts';
import { counted, listed, printable, readableAge, readableDuration, readableSize, shortened, shortId } from './text.ts';

// The result of a run, as the last line of its log and as its block of the job summary.

type Mode = Inputs['mode'];

const MOST_WARNINGS = 50;
const MOST_FILES = 1000;
/** Together less than the 1 MiB that a step may add; everything else is short. */
const MOST_BYTES = {
  warnings: 250_000,
  packages: 250_000,
  reasons: 150_000,
  changes: 150_000,
  files: 350_000,
} as const;
/** Names in a record may have any length. */
const MOST_NAME_CHARACTERS = 100;
/** With more packages than this, the table of reasons is collapsed. */
const MOST_OPEN = 10;

/** The warnings of a step; only the last ones if there are too many. */
export class Notes {
  readonly warnings: string[] = [];
  omittedCount = 0;

  /** @returns a log that also notes its warnings */
  of(log: Log): Log {
    return {
      ...log,
      warning: (line) => {
        this.warnings.push(line);
        this.omittedCount += this.warnings.splice(0, this.warnings.length - MOST_WARNINGS).length;
        log.warning(line);
      },
    };
  }
}

interface Ended {
  readonly mode: Mode;
  readonly outcome: Outcome;
  readonly isDryRun?: boolean;
}

/** Logs how a run ended, as its last line, and before that what this line leaves out of why builds are needed. */
export function logOutcome(log: Log, ended: Ended): void {
  const { outcome } = ended;
  for (const { name, outcome: one } of outcome.packages ?? [])
    if (one.explanation !== undefined) log.info(`${printable(name)}: ${one.explanation.sentence}.`, changedLines(one));
  const { explanation, changes } = outcome;
  if (explanation !== undefined && !showsCause(outcome)) log.info(`${explanation.sentence}.`, changedLines(outcome));
  else if (changes !== undefined) log.info(`${counted(changes.count, 'source')} changed:`, changedLines(outcome));
  const headline = headlineOf(ended).map(({ text }) => text);
  log.info(`${headline.join('')}.`);
}

/** @returns the changed sources, if there are more than the explanation names, as lines that are safe to print */
function changedLines({ changes }: Outcome): readonly string[] {
  if (changes === undefined) return [];
  const omittedCount = changes.count - changes.names.length;
  const lines = changes.names.map(printable);
  return omittedCount === 0 ? lines : [...lines, `and ${counted(omittedCount, 'more source')}`];
}

export interface RunPage extends Ended {
  readonly notes: Notes;
  readonly bucket: string;
  readonly tookMs: number;
  /**
   * The page of this run. Links lead only to the same origin, since anybody who can write to the bucket can write
   * records.
   */
  readonly ownUrl: string | undefined;
  /** The sets of this step, if earlier steps of the job have written the block for each. */
  readonly reported?: readonly SetLocation[] | undefined;
}

/** @returns HTML; empty if earlier steps of the job have already reported everything */
export function summaryOf(page: RunPage): string {
  const { mode, outcome, notes, ownUrl, bucket, reported } = page;
  if (reported !== undefined && isReported(mode, outcome)) return '';
  const headline = headlineOf(page, reported && page.tookMs).map((piece) => htmlOf(piece, ownUrl));
  const isOne = outcome.packages === undefined && outcome.found && reported?.length === 1;
  const shown = isOne ? [outcome.location] : reported;
  const head = headOf(headline.join(''), bucket, shown);
  if (reported !== undefined) return blockOf(head, notes, outcome.uploaded ? filesOf(outcome) : []);
  const { packages } = outcome;
  if (packages !== undefined) return blockOf(head, notes, partsOfEach(packages, ownUrl));
  const { explanation } = outcome;
  const why = explanation === undefined || showsCause(outcome) ? [] : [paragraph(explanation, ownUrl)];
  const lists = [...changedSources(outcome), ...filesOf(outcome)];
  return blockOf(head, notes, [...why, tableOf(page), ...hints(mode, outcome), ...lists]);
}

/** Whether an upload had nothing to do, since the set is there that an earlier step found. */
function isReported(mode: Mode, { found, reason }: Outcome): boolean {
  return mode === 'upload' && found && (reason === 'marker' || reason === 'read-only');
}

type FailedPage = Pick<RunPage, 'bucket' | 'ownUrl' | 'reported'> & {
  /** Set if the failure is a miss. */
  readonly outcome: Outcome | undefined;
};

/**
 * What a failed step adds.
 *
 * @param line the error
 * @param page undefined if the inputs can't be read
 * @returns HTML
 */
export function failureSummary(line: string, notes: Notes, page?: FailedPage): string {
  const head = headOf(`❌ ${escaped(line)}`, page?.bucket, page?.reported);
  const outcome = page?.reported === undefined ? page?.outcome : undefined;
  if (outcome === undefined) return blockOf(head, notes, []);
  const { packages, explanation } = outcome;
  const why = explanation === undefined ? [] : [paragraph(explanation, page?.ownUrl), ...changedSources(outcome)];
  return blockOf(head, notes, packages === undefined ? why : partsOfEach(packages, page?.ownUrl));
}

/**
 * A heading; or only a line, below the block that an earlier step wrote for the same set. That may be one of several
 * blocks, so the line names the set if it has a prefix.
 */
function headOf(headline: string, bucket = '', reported?: RunPage['reported']): string {
  if (reported === undefined) return `<h4>${headline}</h4>`;
  const [set, ...others] = reported;
  const isNamed = set !== undefined && others.length === 0 && prefixOf(set) !== '';
  return `<p>${headline}${isNamed ? ` (${setHtml(bucket, set)})` : ''}</p>`;
}

function blockOf(head: string, { warnings, omittedCount }: Notes, parts: readonly string[]): string {
  const shown = within(MOST_BYTES.warnings, warnings.toReversed().map(escaped)).toReversed();
  const count = omittedCount + warnings.length - shown.length;
  const omitted = count === 0 ? [] : [`${counted(count, 'warning')} before these are in the log.`];
  const items = [...omitted, ...shown].map((line) => `<li>⚠️ ${line}</li>`);
  const list = items.length === 0 ? [] : [['<ul>', ...items, '</ul>'].join('\n')];
  return [head, ...list, ...parts].join('\n');
}

const HEADLINES = { check: checked, upload: uploaded, restore: restored } as const;

/** @param tookMs given where no table says it */
function headlineOf({ mode, outcome, isDryRun }: Ended, tookMs?: number): Piece[] {
  if (isDryRun && mode === 'upload') return [{ text: 'Dry run: 📦 Nothing uploaded' }];
  if (isDryRun && mode === 'restore' && outcome.found) return [{ text: 'Dry run: 📥 Nothing restored' }];
  const headline = HEADLINES[mode](outcome, tookMs === undefined ? '' : `, in ${readableDuration(tookMs)}`);
  return isDryRun ? [{ text: 'Dry run: ' }, ...headline] : headline;
}

function checked(outcome: Outcome): Piece[] {
  if (outcome.packages !== undefined) return [{ text: checkedEach(outcome, outcome.packages.length) }];
  if (!outcome.found) return [{ text: '🔨 Build needed: ' }, ...causeOf(outcome)];
  const { files, restored: isRestored } = outcome;
  const amount = `${isRestored ? 'restored ' : ''}${files.length === 0 ? 'no files' : amountOf(files)}`;
  return [{ text: '✅ No build needed: ' }, ...builtBy(outcome), { text: `, ${amount}${savedBy(outcome)}` }];
}

function checkedEach(outcome: Outcome, count: number): string {
  const missing = missingPackages(outcome).map(({ name }) => name);
  const all = counted(count, 'package');
  if (missing.length > 0) return `🔨 Build needed: ${missing.length} of ${all}: ${listed(missing)}`;
  return `✅ No build needed: ${count === 1 ? 'the package was' : `all ${all} were`} built before`;
}

const WHY_THERE: Readonly<Record<string, string>> = {
  marker: ', as an earlier step found',
  'lost-race': ', stored by another run',
};

function uploaded(outcome: Outcome, took: string): Piece[] {
  const { found, reason, uploaded: isUploaded, cached } = outcome;
  const also = cached ? ', and cached for other commits of the same code' : '';
  if (isUploaded) {
    const resumed = reason === 'resumed' ? ', part of it before' : '';
    return [{ text: `📦 Stored ${amountOf(outcome.files)}${took}${resumed}${also}` }];
  }
  if (found) return [{ text: `📦 Nothing to upload: the set is there${WHY_THERE[reason] ?? ''}${also}` }];
  return [{ text: `📦 Nothing uploaded${reason === 'read-only' ? ", since access is 'read'" : ''}` }];
}

function restored(outcome: Outcome, took: string): Piece[] {
  if (!outcome.found) return [{ text: '📥 Nothing to restore: ' }, ...causeOf(outcome)];
  const ofWhat = outcome.files.length === 0 ? ': no file of the set was chosen' : ` of ${amountOf(outcome.files)}`;
  if (!outcome.restored) return [{ text: `📥 Nothing restored${ofWhat}` }];
  return [{ text: `📥 Restored ${amountOf(outcome.files)}${took}, ` }, ...builtBy(outcome)];
}

/** @returns which run built a set and when, and for which commit if not for this one */
function builtBy({ builtBy: run, builtFromCommit, commit, ageMs, since = 'built' }: Outcome): Piece[] {
  const isOther = builtFromCommit !== undefined && builtFromCommit !== commit;
  const forCommit = isOther ? ` for commit ${shortId(builtFromCommit)}` : '';
  const by = run?.runId === undefined ? [] : [{ text: ' by ' }, { text: runName(run), url: run.url }];
  if (since === 'built' && ageMs !== undefined)
    return [{ text: `built ${readableAge(ageMs)}` }, ...by, { text: forCommit }];
  const isVague = by.length === 0 && forCommit === '';
  return [{ text: isVague ? 'built before' : 'built' }, ...by, { text: `${forCommit}${ageIn(since, ageMs)}` }];
}

/** @returns `run #76 of Build`, for example, by the run's own account, which nobody has checked */
function runName(run: RunIdentity): string {
  const { workflow } = run;
  const of = workflow === undefined ? '' : ` of ${shortened(workflow, MOST_NAME_CHARACTERS)}`;
  return printable(`run ${shortened(runLabel(run) ?? '', MOST_NAME_CHARACTERS)}${of}`);
}

/** Only for a single set: builds of several packages may overlap. */
function savedBy({ buildSeconds = 0 }: Outcome): string {
  return buildSeconds === 0 ? '' : `; this skips a build that took ${readableDuration(buildSeconds * 1000)}`;
}

const CAUSES: Readonly<Record<string, string>> = {
  damaged: 'the set of this commit is damaged',
  archived: 'the set of this commit is archived',
  legacy: "the set of this commit has no record, and legacy is 'ignore'",
  'in-progress': 'another run is still writing the set of this commit',
  disabled: "no set was looked for, since access is 'write'",
};

function causeOf(outcome: Outcome): Piece[] {
  const { explanation } = outcome;
  if (explanation === undefined || !showsCause(outcome)) return [{ text: causeOfMiss(outcome) }];
  const { sentence } = explanation;
  return linked({ ...explanation, sentence: sentence.charAt(0).toLowerCase() + sentence.slice(1) });
}

/** @returns the sentence, in which the run of the earlier build is a link */
function linked({ sentence, baseline }: Pick<Explanation, 'sentence' | 'baseline'>): Piece[] {
  const { run, url } = baseline ?? {};
  const label = `run ${run}`;
  const at = run === undefined ? -1 : sentence.indexOf(`(${label})`) + 1;
  if (at <= 0) return [{ text: sentence }];
  return [{ text: sentence.slice(0, at) }, { text: label, url }, { text: sentence.slice(at + label.length) }];
}

function causeOfMiss({ reason, codeHash, detail }: Outcome): string {
  if (detail !== undefined) return `the set of this commit does not count: ${printable(detail)}`;
  if (reason === 'absent')
    return codeHash === undefined
      ? 'nothing is stored for this commit'
      : 'nothing is stored for this commit or its code';
  return CAUSES[reason] ?? reason;
}

/** Whether the headline is the explanation. */
function showsCause({ reason, detail, explanation }: Outcome): boolean {
  return explanation !== undefined && addsToReason(explanation) && detail === undefined && reason !== 'in-progress';
}

/** Whether an explanation says more than the reason of the miss. */
function addsToReason({ kind }: Explanation): boolean {
  return kind !== 'first-build' && kind !== 'no-sources';
}

function paragraph(explanation: Explanation, ownUrl: string | undefined): string {
  return `<p>${sentenceHtml(explanation, ownUrl)}.</p>`;
}

function sentenceHtml(explanation: Explanation, ownUrl: string | undefined): string {
  return linked(explanation)
    .map((piece) => htmlOf(piece, ownUrl))
    .join('');
}

/** @returns advice on how to avoid the build next time */
function hints(mode: Mode, { found, reason, codeHash }: Outcome): string[] {
  const isOther = reason === 'in-progress' || reason === 'disabled' || codeHash !== undefined;
  if (mode !== 'check' || found || isOther) return [];
  return [
    "<p>Only the commit's own assets were looked for: with code-hash-filter, a build of the same code for another commit counts too.</p>",
  ];
}

function tableOf({ outcome, bucket, tookMs }: RunPage): string {
  const { files, reason, found, source, detail, builtFromCommit, codeHash, location } = outcome;
  const cells: readonly [string, string][] = [
    ['set', setHtml(bucket, location)],
    ['answer', found ? `${source} (${reason})` : detail === undefined ? reason : 'does not count'],
    ['built from', shortHash(builtFromCommit)],
    ['code hash', shortHash(codeHash)],
    ['size', files.length === 0 ? '' : readableSize(totalSize(files))],
    ['took', readableDuration(tookMs)],
  ];
  const shown = cells.filter(([, cell]) => cell !== '');
  const heads = shown.map(([head]) => head);
  const row = shown.map(([, cell]) => cell);
  return tableHtml(heads, [rowHtml('td', row)]);
}

function setHtml(bucket: string, location: SetLocation): string {
  return short(location.prefix.replace(location.id, location.id.slice(0, SHORT_HASH)), uriOf(bucket, location));
}

function partsOfEach(packages: readonly PackageOutcome[], ownUrl: string | undefined): string[] {
  return [...tableOfEach(packages, ownUrl), ...reasonsOf(packages, ownUrl), ...changesOfEach(packages)];
}

function tableOfEach(packages: readonly PackageOutcome[], ownUrl: string | undefined): string[] {
  const rows = packages.values().map(({ name, outcome }) => {
    const { found, source, reason, codeHash, builtBy, builtFromCommit, files } = outcome;
    const run = builtBy?.runId === undefined ? undefined : { text: runName(builtBy), url: builtBy.url };
    return [
      escaped(name),
      found ? source : '<b>build</b>',
      reason,
      shortHash(codeHash),
      run === undefined ? shortHash(builtFromCommit) : htmlOf(run, ownUrl),
      found ? readableSize(totalSize(files)) : '',
    ];
  });
  return longTable(['package', 'answer', 'reason', 'code hash', 'built by', 'size'], rows, {
    mostBytes: MOST_BYTES.packages,
    count: packages.length,
    more: (count) => `And ${counted(count, 'more package')}: the output packages has them all.`,
  });
}

/** Why packages have to be built; collapsed if there are many. */
function reasonsOf(packages: readonly PackageOutcome[], ownUrl: string | undefined): string[] {
  const rows = packages.flatMap(({ name, outcome: { explanation } }) =>
    explanation === undefined ? [] : [[escaped(name), sentenceHtml(explanation, ownUrl)]],
  );
  // There is nothing to say about first builds.
  if (packages.every(({ outcome: { explanation } }) => (explanation?.kind ?? 'first-build') === 'first-build'))
    return [];
  const table = longTable(['package', 'why'], rows, {
    mostBytes: MOST_BYTES.reasons,
    count: rows.length,
    more: (count) => `And ${counted(count, 'more package')}: the log says why.`,
  });
  return folded(`Why ${counted(rows.length, 'package')} must be built`, table, rows.length <= MOST_OPEN);
}

/**
 * The changed sources, if there are more than the sentence names; collapsed.
 *
 * @param whose HTML before the title
 */
function changedSources({ changes }: Outcome, whose = ''): string[] {
  if (changes === undefined) return [];
  const { count, names } = changes;
  const rows = names.values().map((line) => [line.slice(0, 1), nameHtml(line.slice(2))]);
  const table = longTable(['', 'source'], rows, {
    mostBytes: MOST_BYTES.reasons,
    count,
    more: (omitted) => `And ${counted(omitted, 'more source')}.`,
  });
  return folded(`${whose}${counted(count, 'source')} changed`, table);
}

function changesOfEach(packages: readonly PackageOutcome[]): string[] {
  const changed = packages.filter(({ outcome }) => outcome.changes !== undefined);
  const lists = changed.values().map(({ name, outcome }) => changedSources(outcome, `${escaped(name)}: `).join('\n'));
  const shown = within(MOST_BYTES.changes, lists);
  const count = changed.length - shown.length;
  return count === 0
    ? shown
    : [...shown, `<p>The log has the changed sources of ${counted(count, 'package')} that are not listed here.</p>`];
}

function filesOf({ files }: Outcome): string[] {
  if (files.length === 0) return [];
  const rows = files
    .values()
    .take(MOST_FILES)
    .map(({ path, size, sha256 = '' }) => [nameHtml(path), readableSize(size), `<code>${escaped(sha256)}</code>`]);
  const table = longTable(['name', 'size', 'SHA-256 (base64)'], rows, {
    mostBytes: MOST_BYTES.files,
    count: files.length,
    more: (count) => `And ${counted(count, 'more file')}: .record.json has them all.`,
  });
  return folded(counted(files.length, 'file'), table);
}

// HTML for the job summary: only tags that GitHub allows, and no blank lines, so that nothing is parsed as Markdown.
// Names come from records and disks, so they may contain anything.

/** An attacker's record can have names of any length. */
const MOST_CHARACTERS = 2000;
const MOST_URL_CHARACTERS = 300;
/** As many characters as fit beside a digest. */
const MOST_WIDE = 55;
/** Digits of a hash that nobody needs to copy. */
const SHORT_HASH = 7;

/** A piece of a sentence; a link if it has a `url`. */
interface Piece {
  readonly text: string;
  readonly url?: string | undefined;
}

function htmlOf({ text, url = '' }: Piece, ownUrl = ''): string {
  const link = url.length > MOST_URL_CHARACTERS ? null : URL.parse(url);
  const isWeb = link?.protocol === 'https:' || link?.protocol === 'http:';
  if (!isWeb || link.origin !== URL.parse(ownUrl)?.origin) return escaped(text);
  return `<a href="${escaped(link.href)}">${escaped(text)}</a>`;
}

function escaped(line: string): string {
  return shortened(printable(line), MOST_CHARACTERS)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** @returns HTML; empty if there is no hash */
function shortHash(hash: string | undefined): string {
  return hash === undefined ? '' : short(hash.slice(0, SHORT_HASH), hash);
}

/** A path as HTML. A long one is cut short, or it would push the columns after it out of sight. */
function nameHtml(path: string): string {
  return path.length > MOST_WIDE ? short(shortened(path, MOST_WIDE), path) : `<code>${escaped(path)}</code>`;
}

/** A shortened name as HTML, with the whole name as its tooltip. */
function short(text: string, whole: string): string {
  return `<code title="${escaped(whole)}">${escaped(text)}</code>`;
}

function folded(title: string, parts: readonly string[], isOpen = false): string[] {
  return [`<details${isOpen ? ' open' : ''}><summary>${title}</summary>`, ...parts, '</details>'];
}

/** @param rows each of them HTML, as {@link rowHtml} returns it */
function tableHtml(columns: readonly string[], rows: readonly string[]): string {
  return ['<table>', rowHtml('th', columns), ...rows, '</table>'].join('\n');
}

interface LongTable {
  readonly mostBytes: number;
  /** Number of all rows, including those that are not passed in. */
  readonly count: number;
  /** @returns HTML that says how many rows are left out */
  readonly more: (count: number) => string;
}

function longTable(
  columns: readonly string[],
  rows: Iterable<readonly string[]>,
  { mostBytes, count, more }: LongTable,
): string[] {
  const shown = within(
    mostBytes,
    Iterator.from(rows).map((cells) => rowHtml('td', cells)),
  );
  const table = tableHtml(columns, shown);
  return shown.length === count ? [table] : [table, `<p>${more(count - shown.length)}</p>`];
}

/** @returns the first texts that fit into this many bytes of UTF-8; of those after them, it makes only one */
function within(mostBytes: number, texts: Iterable<string>): string[] {
  const shown: string[] = [];
  let bytes = 0;
  for (const text of texts) {
    bytes += Buffer.byteLength(text);
    if (bytes > mostBytes) break;
    shown.push(text);
  }
  return shown;
}

function rowHtml(tag: 'th' | 'td', cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
}
