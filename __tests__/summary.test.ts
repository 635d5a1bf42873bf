import { describe, expect, it } from '@jest/globals';
import type { Outcome } from '../src/modes/outcome.ts';
import type { Log } from '../src/ports.ts';
import { Notes, summaryOf } from '../src/summary.ts';
import { assetFile, CODE_HASH, COMMIT } from './asset-set/records.ts';
import { outcome } from './modes/outcomes.ts';

const SILENT: Log = { info: () => {}, warning: () => {}, debug: () => {} };

function notesOf(...lines: string[]): Notes {
  const notes = new Notes();
  const log = notes.of(SILENT);
  for (const line of lines) log.info(line);
  return notes;
}

function titleOf(mode: 'check' | 'upload' | 'restore', overrides: Partial<Outcome>): string | undefined {
  return /^<h4>(.*)<\/h4>$/m.exec(summaryOf(mode, outcome(overrides), notesOf()))?.[1];
}

describe('summaryOf', () => {
  it('shows what the step said, in its order', () => {
    const notes = notesOf('There is nothing.', 'Nor there.');
    expect(summaryOf('check', outcome({ codeHash: CODE_HASH }), notes)).toBe(
      [
        `<h4>Build needed for commit <code>${COMMIT}</code> (absent)</h4>`,
        '<ul>',
        '<li>There is nothing.</li>',
        '<li>Nor there.</li>',
        '</ul>',
      ].join('\n'),
    );
  });

  it('has no list where nothing was said', () => {
    const title = `<h4>Nothing uploaded for commit <code>${COMMIT}</code> (absent)</h4>`;
    expect(summaryOf('upload', outcome(), notesOf())).toBe(title);
  });

  const found = { found: true, reason: 'complete', files: [assetFile('a')] } as const;
  it.each([
    ['check', { reason: 'damaged' }, 'Build needed for COMMIT (damaged)'],
    ['check', { reason: 'legacy' }, 'Build needed for COMMIT (legacy)'],
    ['check', { reason: 'in-progress' }, 'Build needed for COMMIT, whose assets another run is still writing'],
    ['check', found, 'No build needed for COMMIT: it was built before'],
    ['check', { ...found, cacheHit: true }, 'No build needed for COMMIT: its code was built before'],
    ['upload', { ...found, uploaded: true, reason: 'resumed' }, 'Assets of COMMIT stored (resumed)'],
    ['upload', { ...found, reason: 'marker' }, 'Nothing uploaded for COMMIT, whose assets are there (marker)'],
    ['upload', { ...found, reason: 'lost-race' }, 'Nothing uploaded for COMMIT, whose assets are there (lost-race)'],
    ['upload', {}, 'Nothing uploaded for COMMIT (absent)'],
    ['restore', { ...found, restored: true }, 'Assets of COMMIT restored'],
    ['restore', { ...found, restored: true, files: [] }, 'No assets of COMMIT restored'],
    ['restore', found, 'Assets of COMMIT found, and none restored'],
    ['restore', {}, 'No assets of COMMIT (absent)'],
  ] as const)('is headed by how it ended: %s %j', (mode, overrides, title) => {
    expect(titleOf(mode, overrides)).toBe(title.replace('COMMIT', `commit <code>${COMMIT}</code>`));
  });

  it('says that a miss did not look for the same code, where it did not', () => {
    const hint = 'with code-hash-filter, a build of the same code';
    expect(summaryOf('check', outcome(), notesOf())).toContain(hint);
    expect(summaryOf('check', outcome({ codeHash: CODE_HASH }), notesOf())).not.toContain(hint);
    expect(summaryOf('check', outcome({ reason: 'in-progress' }), notesOf())).not.toContain(hint);
    expect(summaryOf('check', outcome(found), notesOf())).not.toContain(hint);
    expect(summaryOf('restore', outcome(), notesOf())).not.toContain(hint);
  });

  it('says that assets without a record do not count, where they do not', () => {
    const hint = "Assets without a record don't count";
    expect(summaryOf('check', outcome({ reason: 'legacy', codeHash: CODE_HASH }), notesOf())).toContain(hint);
    expect(summaryOf('check', outcome({ ...found, reason: 'legacy' }), notesOf())).not.toContain(hint);
  });

  it('takes no name for HTML, nor for Markdown, which begins after a blank line', () => {
    const html = summaryOf('check', outcome(), notesOf("'<img src=x>&amp;' is missing.", 'a\n\n[b](c)\r\rd\u202e'));
    expect(html).toContain("<li>'&lt;img src=x&gt;&amp;amp;' is missing.</li>");
    expect(html).toContain('<li>a\\u{a}\\u{a}[b](c)\\u{d}\\u{d}d\\u{202e}</li>');
  });

  it('stays below what a step may add, whatever was said', () => {
    const html = summaryOf('upload', outcome(found), notesOf(...new Array<string>(1000).fill('&'.repeat(1e5))));
    expect(Buffer.byteLength(html)).toBeLessThan(600_000);
    expect(html).toContain('&amp;…</li>');
  });

  it('shows the last fifty lines, and how many there were before', () => {
    const lines = Array.from({ length: 53 }, (_, index) => `line ${index + 1}.`);
    const html = summaryOf('upload', outcome(found), notesOf(...lines));
    expect(html.match(/<li>line /g)).toHaveLength(50);
    expect(html).toContain('<li>3 lines before these are in the log.</li>\n<li>line 4.</li>');
    expect(html).toContain('<li>line 53.</li>\n</ul>');
    expect(summaryOf('upload', outcome(found), notesOf(...lines.slice(0, 50)))).not.toContain('lines before');
  });
});

describe('Notes', () => {
  it('has what is said, in its order, but for what is for debugging', () => {
    const said: string[] = [];
    const notes = new Notes();
    const log = notes.of({
      info: (line) => said.push(`info ${line}`),
      warning: (line) => said.push(`warning ${line}`),
      debug: (line) => said.push(`debug ${line}`),
    });
    log.info('one');
    log.debug('two');
    log.warning('three');
    expect(said).toEqual(['info one', 'debug two', 'warning three']);
    expect(notes.lines).toEqual(['one', 'three']);
  });
});
