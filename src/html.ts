import { printable, shortened } from './text.ts';

// HTML for the job summary: only tags that GitHub allows, and no blank lines, so that nothing is parsed as Markdown.
// Names come from records and disks, so they may contain anything.

/** An attacker's record can have names of any length. */
const MOST_CHARACTERS = 2000;
const MOST_URL_CHARACTERS = 300;
/** As many characters as fit beside a digest. */
const MOST_WIDE = 55;
/** Digits of a hash that nobody needs to copy. */
export const SHORT_HASH = 7;

/** A piece of a sentence; a link if it has a `url`. */
export interface Piece {
  readonly text: string;
  readonly url?: string | undefined;
}

export function htmlOf({ text, url }: Piece, ownUrl: string | undefined): string {
  return url !== undefined && url.length <= MOST_URL_CHARACTERS && isOfSystem(url, ownUrl)
    ? `<a href="${escaped(new URL(url).href)}">${escaped(text)}</a>`
    : escaped(text);
}

function isOfSystem(url: string, ownUrl: string | undefined): boolean {
  if (ownUrl === undefined || !URL.canParse(url) || !URL.canParse(ownUrl)) return false;
  const { protocol, origin } = new URL(url);
  return (protocol === 'https:' || protocol === 'http:') && origin === new URL(ownUrl).origin;
}

export function escaped(line: string): string {
  return shortened(printable(line), MOST_CHARACTERS)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** @returns HTML; empty if there is no hash */
export function shortHash(hash: string | undefined): string {
  return hash === undefined ? '' : short(hash.slice(0, SHORT_HASH), hash);
}

/** A path as HTML. A long one is cut short, or it would push the columns after it out of sight. */
export function nameHtml(path: string): string {
  return path.length > MOST_WIDE ? short(shortened(path, MOST_WIDE), path) : `<code>${escaped(path)}</code>`;
}

/** A shortened name as HTML, with the whole name as its tooltip. */
export function short(text: string, whole: string): string {
  return `<code title="${escaped(whole)}">${escaped(text)}</code>`;
}

export function folded(title: string, parts: readonly string[], isOpen = false): string[] {
  return [`<details${isOpen ? ' open' : ''}><summary>${title}</summary>`, ...parts, '</details>'];
}

/** @param rows lists of cells in HTML */
export function tableHtml(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return ['<table>', rowHtml('th', columns), ...rows.map((cells) => rowHtml('td', cells)), '</table>'].join('\n');
}

export interface LongTable {
  readonly mostBytes: number;
  /** Number of all rows, including those that are not passed in. */
  readonly count: number;
  /** @returns HTML that says how many rows are left out */
  readonly more: (count: number) => string;
}

export function longTable(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  { mostBytes, count, more }: LongTable,
): string[] {
  const shown = within(
    mostBytes,
    rows.map((cells) => rowHtml('td', cells)),
  );
  const table = ['<table>', rowHtml('th', columns), ...shown, '</table>'].join('\n');
  return shown.length === count ? [table] : [table, `<p>${more(count - shown.length)}</p>`];
}

/** @returns the first texts that fit into this many bytes of UTF-8 */
export function within(mostBytes: number, texts: readonly string[]): string[] {
  let bytes = 0;
  const end = texts.findIndex((text) => {
    bytes += Buffer.byteLength(text);
    return bytes > mostBytes;
  });
  return texts.slice(0, end === -1 ? texts.length : end);
}

function rowHtml(tag: 'th' | 'td', cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
}
