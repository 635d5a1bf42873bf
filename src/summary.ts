import type { Explanation } from './asset-set/explanation.ts';
import { uriOf } from './asset-set/location.ts';
import { totalSize } from './asset-set/record.ts';
import type { Inputs } from './inputs/inputs.ts';
import { missingPackages, type Outcome, type PackageOutcome } from './modes/outcome.ts';
import type { Log } from './ports.ts';
import { counted, listed, printable, readableDuration, readableSize, shortened } from './text.ts';

// What a run says in the end: in one sentence in the log, and as a block of the job summary. That is HTML without a blank
// line, so that nothing in it is taken for Markdown, of tags that GitHub lets through.

type Mode = Inputs['mode'];

/** With {@link MOST_CHARACTERS} and what escapes them, a tenth of the 1 MiB that a step may add. */
const MOST_WARNINGS = 50;
/** Records, which may be an attacker's, can have names of any length. */
const MOST_CHARACTERS = 2000;
const MOST_FILES = 1000;
const MOST_FILE_CHARACTERS = 400_000;
/** Of a hash, where nobody copies it. */
const SHORT_HASH = 7;

/** What a step warned of: the last of it, where it was much. */
export class Notes {
  readonly warnings: string[] = [];
  omittedCount = 0;

  /** @returns a log that also notes its warnings */
  of(log: Log): Log {
    return {
      info: (line) => log.info(line),
      warning: (line) => {
        this.#note(line);
        log.warning(line);
      },
      debug: (line) => log.debug(line),
    };
  }

  #note(line: string): void {
    this.warnings.push(line);
    if (this.warnings.length <= MOST_WARNINGS) return;
    this.warnings.shift();
    this.omittedCount += 1;
  }
}

/** A piece of a sentence, which leads to a page where it names one. */
interface Piece {
  readonly text: string;
  readonly url?: string | undefined;
}

/** How a run ended, as the last line of its log. */
export function verdictLine(mode: Mode, outcome: Outcome): string {
  return `${verdictOf(mode, outcome)
    .map(({ text }) => text)
    .join('')}.`;
}

export interface RunPage {
  readonly mode: Mode;
  readonly outcome: Outcome;
  readonly notes: Notes;
  readonly bucket: string;
  readonly tookMs: number;
  /** The page of this run: links lead to the same system alone, since whoever writes to the bucket writes records. */
  readonly ownUrl: string | undefined;
}

/** @returns HTML; an empty text where an earlier step of the job has said it all */
export function summaryOf(page: RunPage): string {
  const { mode, outcome, notes, ownUrl } = page;
  if (mode === 'upload' && outcome.reason === 'marker') return '';
  const verdict = verdictOf(mode, outcome).map((piece) => htmlOf(piece, ownUrl));
  const { packages } = outcome;
  if (packages !== undefined) return blockOf(verdict.join(''), notes, [tableOfEach(packages, ownUrl)]);
  return blockOf(verdict.join(''), notes, [tableOf(page), ...hints(mode, outcome), ...filesOf(outcome)]);
}

/** How a step that failed is told. @param line the error @param page what it had found out, where a miss is the failure */
export function failureSummary(line: string, notes: Notes, page?: Pick<RunPage, 'outcome' | 'ownUrl'>): string {
  const packages = page?.outcome.packages;
  return blockOf(`❌ ${escaped(line)}`, notes, packages === undefined ? [] : [tableOfEach(packages, page?.ownUrl)]);
}

function blockOf(verdict: string, { warnings, omittedCount }: Notes, parts: readonly string[]): string {
  const omitted = omittedCount === 0 ? [] : [`${counted(omittedCount, 'warning')} before these are in the log.`];
  const items = [...omitted, ...warnings].map((line) => `<li>⚠️ ${escaped(line)}</li>`);
  const list = items.length === 0 ? [] : [['<ul>', ...items, '</ul>'].join('\n')];
  return [`<h4>${verdict}</h4>`, ...list, ...parts].join('\n');
}

const VERDICTS = { check: checked, upload: uploaded, restore: restored } as const;

function verdictOf(mode: Mode, outcome: Outcome): Piece[] {
  return VERDICTS[mode](outcome);
}

function checked(outcome: Outcome): Piece[] {
  if (outcome.packages !== undefined) return [{ text: checkedEach(outcome, outcome.packages.length) }];
  if (!outcome.found) return [{ text: `🔨 Build needed: ${causeOf(outcome)}` }];
  return [{ text: '✅ No build needed: ' }, ...builderOf(outcome), { text: `, ${amountOf(outcome)}` }];
}

function checkedEach(outcome: Outcome, count: number): string {
  const missing = missingPackages(outcome).map(({ name }) => name);
  const all = counted(count, 'package');
  if (missing.length === 0) return `✅ No build needed: ${all}, and all of them were built before`;
  return `🔨 Build needed: ${missing.length} of ${all}, ${listed(missing)}`;
}

function uploaded(outcome: Outcome): Piece[] {
  const { found, reason, uploaded: isUploaded, cached } = outcome;
  if (isUploaded) {
    const also = cached ? ', for other commits of the same code too' : '';
    return [{ text: `📦 Stored ${amountOf(outcome)}${reason === 'resumed' ? ', part of it before' : ''}${also}` }];
  }
  return [{ text: found ? `📦 Nothing to upload: the set is there (${reason})` : `📦 Nothing uploaded (${reason})` }];
}

function restored(outcome: Outcome): Piece[] {
  if (!outcome.found) return [{ text: `📥 Nothing to restore: ${causeOf(outcome)}` }];
  if (!outcome.restored) return [{ text: `📥 Nothing restored of ${amountOf(outcome)}` }];
  return [{ text: `📥 Restored ${amountOf(outcome)}, ` }, ...builderOf(outcome)];
}

/** Who built a set, and when. */
function builderOf({ builtBy, builtFromCommit, commit, ageMs }: Outcome): Piece[] {
  const age: Piece[] = ageMs === undefined ? [] : [{ text: ` ${readableDuration(ageMs)} ago` }];
  if (builtFromCommit !== undefined && builtFromCommit !== commit)
    return [{ text: `built for commit ${builtFromCommit.slice(0, SHORT_HASH)}` }, ...age];
  if (builtBy?.runId === undefined) return [{ text: 'built before' }, ...age];
  const workflow = builtBy.workflow === undefined ? '' : ` of ${builtBy.workflow}`;
  return [{ text: 'built by ' }, { text: printable(`run ${builtBy.runId}${workflow}`), url: builtBy.url }, ...age];
}

function amountOf({ files }: Outcome): string {
  return files.length === 0 ? 'no files' : `${counted(files.length, 'file')}, ${readableSize(totalSize(files))}`;
}

const CAUSES: Readonly<Record<string, string>> = {
  damaged: 'the set of this commit is damaged',
  archived: 'the set of this commit is archived',
  legacy: "the set of this commit has no record, and legacy is 'ignore'",
  'in-progress': 'another run is still writing the set of this commit',
  disabled: "nothing was looked for, since access is 'write'",
};

function causeOf({ reason, codeHash, detail, explanation }: Outcome): string {
  if (detail !== undefined) return `the set of this commit does not count: ${printable(detail)}`;
  if (explanation !== undefined && tellsMore(explanation) && reason !== 'in-progress')
    return explanation.sentence.charAt(0).toLowerCase() + explanation.sentence.slice(1);
  if (reason === 'absent')
    return codeHash === undefined
      ? 'nothing is stored for this commit'
      : 'nothing is stored for this commit or its code';
  return CAUSES[reason] ?? reason;
}

/** Whether there was an earlier build to compare with. */
function tellsMore({ kind }: Explanation): boolean {
  return kind !== 'first-build' && kind !== 'no-sources';
}

/** What would make a build unneeded another time. */
function hints(mode: Mode, { found, reason, codeHash }: Outcome): string[] {
  const isOther = reason === 'in-progress' || reason === 'disabled' || codeHash !== undefined;
  if (mode !== 'check' || found || isOther) return [];
  return [
    "<p>Only the commit's own assets were looked for: with code-hash-filter, a build of the same code for another commit counts too.</p>",
  ];
}

function tableOf({ outcome, bucket, tookMs }: RunPage): string {
  const { files, reason, found, source, builtFromCommit, codeHash, location } = outcome;
  const cells: readonly [string, string][] = [
    ['set', short(location.prefix.replace(location.id, location.id.slice(0, SHORT_HASH)), uriOf(bucket, location))],
    ['answer', found ? `${source} (${reason})` : reason],
    ['built from', shortHash(builtFromCommit)],
    ['code hash', shortHash(codeHash)],
    ['size', files.length === 0 ? '' : readableSize(totalSize(files))],
    ['took', readableDuration(tookMs)],
  ];
  const shown = cells.filter(([, cell]) => cell !== '');
  return tableHtml(
    shown.map(([head]) => head),
    [shown.map(([, cell]) => cell)],
  );
}

const COLUMNS = ['package', 'answer', 'reason', 'code hash', 'built by', 'size'];

function tableOfEach(packages: readonly PackageOutcome[], ownUrl: string | undefined): string {
  const rows = packages.map(({ name, outcome }) => {
    const { found, source, reason, codeHash, builtBy, builtFromCommit, files } = outcome;
    const run = builtBy?.runId === undefined ? undefined : { text: `run ${builtBy.runId}`, url: builtBy.url };
    return [
      escaped(name),
      found ? source : '<b>build</b>',
      reason,
      shortHash(codeHash),
      run === undefined ? shortHash(builtFromCommit) : htmlOf(run, ownUrl),
      found ? readableSize(totalSize(files)) : '',
    ];
  });
  return tableHtml(COLUMNS, rows);
}

/** @param rows of cells, each of them HTML */
function tableHtml(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return ['<table>', rowHtml('th', columns), ...rows.map((cells) => rowHtml('td', cells)), '</table>'].join('\n');
}

function rowHtml(tag: 'th' | 'td', cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
}

/** @returns an empty text where there is none */
function shortHash(hash: string | undefined): string {
  return hash === undefined ? '' : short(hash.slice(0, SHORT_HASH), hash);
}

/** A name cut short, with the whole of it under the pointer. */
function short(text: string, whole: string): string {
  return `<code title="${escaped(whole)}">${escaped(text)}</code>`;
}

/** The files of the set, folded. */
function filesOf({ files }: Outcome): string[] {
  if (files.length === 0) return [];
  const rows: string[][] = [];
  let characterCount = 0;
  for (const { path, size, sha256 = '' } of files) {
    const row = [`<code>${escaped(path)}</code>`, readableSize(size), `<code>${escaped(sha256)}</code>`];
    characterCount += rowHtml('td', row).length;
    if (rows.length === MOST_FILES || characterCount > MOST_FILE_CHARACTERS) break;
    rows.push(row);
  }
  const omittedCount = files.length - rows.length;
  const rest =
    omittedCount === 0 ? [] : [`<p>And ${counted(omittedCount, 'file')} more: .record.json has them all.</p>`];
  return [
    `<details><summary>${counted(files.length, 'file')}</summary>`,
    tableHtml(['name', 'size', 'SHA-256 (base64)'], rows),
    ...rest,
    '</details>',
  ];
}

function htmlOf({ text, url }: Piece, ownUrl: string | undefined): string {
  return url !== undefined && isOfSystem(url, ownUrl)
    ? `<a href="${escaped(new URL(url).href)}">${escaped(text)}</a>`
    : escaped(text);
}

function isOfSystem(url: string, ownUrl: string | undefined): boolean {
  if (ownUrl === undefined || !URL.canParse(url) || !URL.canParse(ownUrl)) return false;
  const { protocol, origin } = new URL(url);
  return (protocol === 'https:' || protocol === 'http:') && origin === new URL(ownUrl).origin;
}

function escaped(line: string): string {
  return shortened(printable(line), MOST_CHARACTERS)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
