import type { Inputs } from './inputs.ts';
import type { Outcome } from './modes/outcome.ts';
import type { Log } from './ports.ts';

// What the page of the job shows of a step: how it ended, and why, in the words of its log.

/** More would only be more of the same. With names of 1,024 bytes that is far from the 1 MiB that a step may add. */
const MOST_LINES = 100;

/** @returns a log that also adds what it says to `lines`, but for what is only for debugging */
export function noting(log: Log, lines: string[]): Log {
  function note(tell: (line: string) => void): (line: string) => void {
    return (line) => {
      lines.push(line);
      tell(line);
    };
  }
  return {
    info: note((line) => log.info(line)),
    warning: note((line) => log.warning(line)),
    debug: (line) => log.debug(line),
  };
}

/**
 * @param lines what the step said; text, names of attackers' files in it
 * @returns HTML without a blank line, so that nothing in it is taken for Markdown
 */
export function summaryOf(mode: Inputs['mode'], outcome: Outcome, lines: readonly string[]): string {
  const shown = [...lines.slice(0, MOST_LINES), ...hints(mode, outcome)];
  if (lines.length > MOST_LINES) shown.push(`${lines.length - MOST_LINES} more lines are in the log.`);
  const items = shown.map((line) => `<li>${escaped(line)}</li>`);
  return [`<h4>${titleOf(mode, outcome)}</h4>`, '<ul>', ...items, '</ul>'].join('\n');
}

function titleOf(mode: Inputs['mode'], { found, cacheHit, restored, commit, reason }: Outcome): string {
  const name = `commit <code>${commit}</code>`;
  if (mode === 'check' && !found) return `Build needed for ${name} (${reason})`;
  if (mode === 'check') return `No build needed for ${name}: ${cacheHit ? 'its code' : 'it'} was built before`;
  if (!found) return `No assets of ${name} (${reason})`;
  if (mode === 'restore') return `Assets of ${name} ${restored ? 'restored' : 'found'} (${reason})`;
  return `Assets of ${name} stored (${reason})`;
}

function hints(mode: Inputs['mode'], { found, codeHash }: Outcome): string[] {
  if (mode !== 'check' || found || codeHash !== undefined) return [];
  return [
    "Only the commit's own assets were looked for: with code-hash-filter, a build of the same code for another commit counts too.",
  ];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
