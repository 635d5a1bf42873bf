import { describe, expect, it } from '@jest/globals';
import type { Outcome } from '../src/modes/outcome.ts';
import { noting, summaryOf } from '../src/summary.ts';
import { CODE_HASH, COMMIT } from './core/records.ts';
import { outcome } from './modes/outcomes.ts';

function titleOf(mode: 'check' | 'upload' | 'restore', overrides: Partial<Outcome>): string | undefined {
  return /^<h4>(.*)<\/h4>$/m.exec(summaryOf(mode, outcome(overrides), []))?.[1];
}

describe('summaryOf', () => {
  it('shows what the step said, in its order', () => {
    expect(summaryOf('check', outcome({ codeHash: CODE_HASH }), ['There is nothing.', 'Nor there.'])).toBe(
      [
        `<h4>Build needed for commit <code>${COMMIT}</code> (absent)</h4>`,
        '<ul>',
        '<li>There is nothing.</li>',
        '<li>Nor there.</li>',
        '</ul>',
      ].join('\n'),
    );
  });

  const found = { found: true, reason: 'complete' } as const;
  it.each([
    ['check', { reason: 'damaged' }, `Build needed for commit <code>${COMMIT}</code> (damaged)`],
    ['check', found, `No build needed for commit <code>${COMMIT}</code>: it was built before`],
    [
      'check',
      { ...found, cacheHit: true },
      `No build needed for commit <code>${COMMIT}</code>: its code was built before`,
    ],
    ['upload', { ...found, reason: 'resumed' }, `Assets of commit <code>${COMMIT}</code> stored (resumed)`],
    ['upload', {}, `No assets of commit <code>${COMMIT}</code> (absent)`],
    ['restore', { ...found, restored: true }, `Assets of commit <code>${COMMIT}</code> restored (complete)`],
    ['restore', found, `Assets of commit <code>${COMMIT}</code> found (complete)`],
    ['restore', {}, `No assets of commit <code>${COMMIT}</code> (absent)`],
  ] as const)('is headed by how it ended: %s %j', (mode, overrides, title) => {
    expect(titleOf(mode, overrides)).toBe(title);
  });

  it('says that a miss did not look for the same code, where it did not', () => {
    const hint = 'with code-hash-filter, a build of the same code';
    expect(summaryOf('check', outcome(), [])).toContain(hint);
    expect(summaryOf('check', outcome({ codeHash: CODE_HASH }), [])).not.toContain(hint);
    expect(summaryOf('check', outcome(found), [])).not.toContain(hint);
    expect(summaryOf('restore', outcome(), [])).not.toContain(hint);
  });

  it('takes no name for HTML, nor for Markdown, which begins after a blank line', () => {
    const html = summaryOf('check', outcome(), ["'<img src=x>&amp;[a](b)' is missing."]);
    expect(html).toContain("<li>'&lt;img src=x&gt;&amp;amp;[a](b)' is missing.</li>");
    expect(html).not.toMatch(/\n\s*\n/);
  });

  it('shows a hundred lines, and how many there are besides', () => {
    const lines = Array.from({ length: 103 }, (_, index) => `line ${index + 1}`);
    const html = summaryOf('upload', outcome(found), lines);
    expect(html.match(/<li>line /g)).toHaveLength(100);
    expect(html).toContain('<li>line 100</li>\n<li>3 more lines are in the log.</li>');
    expect(summaryOf('upload', outcome(found), lines.slice(0, 100))).not.toContain('more lines');
  });
});

describe('noting', () => {
  it('says everything, and keeps all but what is for debugging', () => {
    const said: string[] = [];
    const lines: string[] = [];
    const log = noting(
      {
        info: (line) => said.push(`info ${line}`),
        warning: (line) => said.push(`warning ${line}`),
        debug: (line) => said.push(`debug ${line}`),
      },
      lines,
    );
    log.info('one');
    log.debug('two');
    log.warning('three');
    expect(said).toEqual(['info one', 'debug two', 'warning three']);
    expect(lines).toEqual(['one', 'three']);
  });
});
