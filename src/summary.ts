import type { Inputs } from './inputs/inputs.ts';
import type { Outcome } from './modes/outcome.ts';
import type { Log } from './ports.ts';
import { counted, printable } from './text.ts';

// The job summary: how a step ended, and why, in the words of its log.

/** With {@link MOST_CHARACTERS} and what escapes them, half of the 1 MiB that a step may add. */
const MOST_LINES = 50;
/** Records, which may be an attacker's, can have names of any length. */
const MOST_CHARACTERS = 2000;

/** What a step said: the last of it, where it was much. */
export class Notes {
  readonly lines: string[] = [];
  omittedCount = 0;

  /** @returns a log that also notes what it says, but for what is only for debugging */
  of(log: Log): Log {
    return {
      info: (line) => {
        this.#note(line);
        log.info(line);
      },
      warning: (line) => {
        this.#note(line);
        log.warning(line);
      },
      debug: (line) => log.debug(line),
    };
  }

  #note(line: string): void {
    this.lines.push(line);
    if (this.lines.length <= MOST_LINES) return;
    this.lines.shift();
    this.omittedCount += 1;
  }
}

/** @returns HTML without a blank line, so that nothing in it is taken for Markdown */
export function summaryOf(mode: Inputs['mode'], outcome: Outcome, { lines, omittedCount }: Notes): string {
  const title = titleOf(mode, { ...outcome, commit: `<code>${outcome.commit}</code>` });
  return blockOf(title, [...lines, ...hints(mode, outcome)], omittedCount);
}

/** How a step that failed is told. @param line the error */
export function failureSummary(line: string, { lines, omittedCount }: Notes): string {
  return blockOf(`Failed: ${escaped(line)}`, lines, omittedCount);
}

function blockOf(title: string, lines: readonly string[], omittedCount: number): string {
  const omitted = omittedCount === 0 ? [] : [`${counted(omittedCount, 'line')} before these are in the log.`];
  const items = [...omitted, ...lines].map((line) => `<li>${escaped(line)}</li>`);
  const heading = `<h4>${title}</h4>`;
  return (items.length === 0 ? [heading] : [heading, '<ul>', ...items, '</ul>']).join('\n');
}

const TITLES = { check: checked, upload: uploaded, restore: restored } as const;

/** How a step ended, in one sentence without its full stop. */
export function titleOf(mode: Inputs['mode'], outcome: Outcome): string {
  return TITLES[mode](outcome, `commit ${outcome.commit}`);
}

function checked({ found, reason, cacheHit }: Outcome, commit: string): string {
  if (found) return `No build needed for ${commit}: ${cacheHit ? 'its code' : 'it'} was built before`;
  if (reason === 'in-progress') return `Build needed for ${commit}, whose assets another run is still writing`;
  return `Build needed for ${commit} (${reason})`;
}

function uploaded({ found, reason, uploaded: isUploaded }: Outcome, commit: string): string {
  if (isUploaded) return `Assets of ${commit} stored (${reason})`;
  return found
    ? `Nothing uploaded for ${commit}, whose assets are there (${reason})`
    : `Nothing uploaded for ${commit} (${reason})`;
}

function restored({ found, reason, restored: isRestored, files }: Outcome, commit: string): string {
  if (!found) return `No assets of ${commit} (${reason})`;
  if (!isRestored) return `Assets of ${commit} found, and none restored`;
  return files.length > 0 ? `Assets of ${commit} restored` : `No assets of ${commit} restored`;
}

/** What would make a build unneeded another time. */
function hints(mode: Inputs['mode'], { found, reason, codeHash }: Outcome): string[] {
  if (mode !== 'check' || found || reason === 'in-progress') return [];
  const ignored = reason === 'legacy' ? ["Assets without a record don't count, since legacy is 'ignore'."] : [];
  if (codeHash !== undefined) return ignored;
  return [
    ...ignored,
    "Only the commit's own assets were looked for: with code-hash-filter, a build of the same code for another commit counts too.",
  ];
}

function escaped(line: string): string {
  const text = printable(line);
  const short = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
  return short.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
