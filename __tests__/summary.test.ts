import { describe, expect, it } from '@jest/globals';
import { changesOf, type Explanation } from '../src/asset-set/explanation.ts';
import { artifactSet } from '../src/asset-set/location.ts';
import type { Outcome } from '../src/modes/outcome.ts';
import type { Log } from '../src/ports.ts';
import type { RunIdentity } from '../src/run-context.ts';
import { failureSummary, logOutcome, Notes, summaryOf } from '../src/summary.ts';
import { assetFile, CODE_HASH, COMMIT } from './asset-set/records.ts';
import { outcome } from './modes/outcomes.ts';

const SILENT: Log = { info: () => {}, warning: () => {}, debug: () => {} };
const OWN_URL = 'https://github.com/o/r/actions/runs/2';
const BUILDER = {
  runId: '76',
  workflow: 'Build',
  url: 'https://github.com/o/r/actions/runs/76',
};

function notesOf(...warnings: string[]): Notes {
  const notes = new Notes();
  const log = notes.of(SILENT);
  for (const line of warnings) log.warning(line);
  return notes;
}

/** What the end of a run logs: each line, with the folded lines below it. */
function linesOf(mode: 'check' | 'upload' | 'restore', overrides: Partial<Outcome>): (readonly string[])[] {
  const lines: (readonly string[])[] = [];
  const log = { ...SILENT, info: (line: string, below: readonly string[] = []) => void lines.push([line, ...below]) };
  logOutcome(log, { mode, outcome: outcome(overrides) });
  return lines;
}

function pageOf(mode: 'check' | 'upload' | 'restore', overrides: Partial<Outcome> = {}, notes = notesOf()): string {
  const page = { bucket: 'my-assets', tookMs: 640, ownUrl: OWN_URL };
  return summaryOf({ ...page, mode, outcome: outcome(overrides), notes });
}

const FILES = [assetFile('a.zip', { size: 3 }), assetFile('b.zip', { size: 1_200_000 })];
const FOUND = { found: true, source: 'artifact', reason: 'complete', files: FILES, builtFromCommit: COMMIT } as const;

const NONE = { count: 0, names: [] };

/** An explanation with so many changed sources. */
function changed(count: number, name = 'ts'): Explanation {
  const names = Array.from({ length: Math.min(count, 100) }, (_, index) => `src/${index}.${name}`);
  const lists = { added: NONE, deleted: NONE, mode: NONE, needs: NONE, salt: NONE, patterns: NONE };
  return { kind: 'sources-changed', sentence: `${count} sources changed`, changed: { count, names }, ...lists };
}

/** As GitHub's sanitizer has them: https://github.com/gjtorikian/html-pipeline/blob/main/lib/html_pipeline/sanitization_filter.rb */
const ALLOWED_TAG = /^(a|b|code|details|h4|li|p|summary|table|td|th|tr|ul)$/;
const ALLOWED_ATTRIBUTES = /^(a href=|[a-z0-9]+( title=| open)?)$/;

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  '</code></td></tr></table></details><h1>',
  '[link](https://evil.example.com) ![img](https://evil.example.com/x.png) **bold** `code` @octocat #1',
  'a\n\n# heading\n\n<svg onload=alert(1)>',
  'evil\u202Egnp.exe \u2066x\u2069 \u200B\u{E0041}',
  '🎉 emoji 文字 \u001b[31mred ::error::no ##[error]no',
  '&lt;b&gt; &amp; &#60;i&#62;',
];

/** Pages of every mode with these names wherever a name may be untrusted. */
function pagesOf(names: readonly string[]): string[] {
  const files = names.map((name) => assetFile(name));
  const notes = notesOf(...names);
  const pages = names.flatMap((name) => {
    const builtBy = { ...BUILDER, runId: name, runNumber: name, workflow: name, url: `https://github.com/${name}` };
    const explanation = { ...changed(0), sentence: name, changed: { count: 8, names: names.map((one) => one) } };
    const found = { ...FOUND, files, builtBy, codeHash: CODE_HASH, restored: true };
    const location = artifactSet(name, COMMIT);
    const packages = [
      {
        name,
        directory: name,
        prefix: name,
        outcome: outcome({ explanation, changes: changesOf(explanation), detail: name }),
      },
      { name, directory: name, prefix: name, outcome: outcome(found) },
    ];
    return [
      ...(['check', 'upload', 'restore'] as const).map((mode) => pageOf(mode, { ...found, location }, notes)),
      pageOf('check', { detail: name, reason: 'incomplete', location, explanation }, notes),
      pageOf('check', { explanation, changes: changesOf(explanation) }, notes),
      pageOf('check', { packages }, notes),
      failureSummary(name, notes),
    ];
  });
  return pages;
}

describe('the heading', () => {
  it.each<['check' | 'upload' | 'restore', Partial<Outcome>, string]>([
    ['check', {}, '🔨 Build needed: nothing is stored for this commit.'],
    ['check', { codeHash: CODE_HASH }, '🔨 Build needed: nothing is stored for this commit or its code.'],
    ['check', { reason: 'damaged' }, '🔨 Build needed: the set of this commit is damaged.'],
    ['check', { reason: 'archived' }, '🔨 Build needed: the set of this commit is archived.'],
    [
      'check',
      { reason: 'incomplete', detail: 'it was not finished' },
      '🔨 Build needed: the set of this commit does not count: it was not finished.',
    ],
    ['check', { reason: 'legacy' }, "🔨 Build needed: the set of this commit has no record, and legacy is 'ignore'."],
    ['check', { reason: 'in-progress' }, '🔨 Build needed: another run is still writing the set of this commit.'],
    ['check', { reason: 'disabled' }, "🔨 Build needed: no set was looked for, since access is 'write'."],
    ['check', { ...FOUND, files: [] }, '✅ No build needed: built before, no files.'],
    [
      'check',
      { ...FOUND, builtBy: BUILDER, ageMs: 5000, restored: true },
      '✅ No build needed: built 5 s ago by run 76 of Build, restored 2 files, 1.2 MB.',
    ],
    [
      'check',
      { ...FOUND, reason: 'legacy', ageMs: 5000, since: 'stored' },
      '✅ No build needed: built before, stored 5 s ago, 2 files, 1.2 MB.',
    ],
    ['upload', { ...FOUND, files: [], uploaded: true, reason: 'uploaded' }, '📦 Stored a set without files.'],
    ['upload', { ...FOUND, reason: 'read-only' }, '📦 Nothing to upload: the set is there.'],
    ['upload', { reason: 'read-only' }, "📦 Nothing uploaded, since access is 'read'."],
    ['check', { ...FOUND, reason: 'legacy' }, '✅ No build needed: built before, 2 files, 1.2 MB.'],
    [
      'check',
      { ...FOUND, builtBy: BUILDER, ageMs: 3 * 3_600_000 },
      '✅ No build needed: built 3 h ago by run 76 of Build, 2 files, 1.2 MB.',
    ],
    [
      'check',
      { ...FOUND, builtFromCommit: 'b'.repeat(40), builtBy: BUILDER, ageMs: 200_000_000 },
      '✅ No build needed: built 2 days ago by run 76 of Build for commit bbbbbbbbbbbb, 2 files, 1.2 MB.',
    ],
    [
      'check',
      { ...FOUND, builtFromCommit: 'b'.repeat(40), ageMs: 200_000_000, since: 'copied' },
      '✅ No build needed: built for commit bbbbbbbbbbbb, copied 2 days ago, 2 files, 1.2 MB.',
    ],
    [
      'check',
      { ...FOUND, builtFromCommit: 'b'.repeat(40), builtBy: BUILDER, ageMs: 200_000_000, since: 'copied' },
      '✅ No build needed: built by run 76 of Build for commit bbbbbbbbbbbb, copied 2 days ago, 2 files, 1.2 MB.',
    ],
    ['check', { ...FOUND, builtBy: {}, ageMs: 5000 }, '✅ No build needed: built 5 s ago, 2 files, 1.2 MB.'],
    [
      'check',
      { ...FOUND, builtBy: BUILDER, buildSeconds: 372 },
      '✅ No build needed: built by run 76 of Build, 2 files, 1.2 MB; this skips a build that took 6 min 12 s.',
    ],
    [
      'check',
      { ...FOUND, builtBy: BUILDER, buildSeconds: 0 },
      '✅ No build needed: built by run 76 of Build, 2 files, 1.2 MB.',
    ],
    ['upload', { ...FOUND, uploaded: true, reason: 'uploaded' }, '📦 Stored 2 files, 1.2 MB.'],
    [
      'upload',
      { ...FOUND, uploaded: true, reason: 'resumed', cached: true },
      '📦 Stored 2 files, 1.2 MB, part of it before, and cached for other commits of the same code.',
    ],
    ['upload', { ...FOUND, reason: 'lost-race' }, '📦 Nothing to upload: the set is there, stored by another run.'],
    ['upload', {}, '📦 Nothing uploaded.'],
    [
      'restore',
      { ...FOUND, restored: true, builtBy: BUILDER },
      '📥 Restored 2 files, 1.2 MB, built by run 76 of Build.',
    ],
    [
      'restore',
      { ...FOUND, restored: true, builtBy: { ...BUILDER, runId: '12345678901', runNumber: '76' } },
      '📥 Restored 2 files, 1.2 MB, built by run #76 of Build.',
    ],
    ['restore', FOUND, '📥 Nothing restored of 2 files, 1.2 MB.'],
    ['restore', { ...FOUND, files: [] }, '📥 Nothing restored: no file of the set was chosen.'],
    ['restore', {}, '📥 Nothing to restore: nothing is stored for this commit.'],
  ])('of %s with %j', (mode, overrides, line) => {
    expect(linesOf(mode, overrides)).toEqual([[line]]);
    const [, heading = ''] = /^<h4>(.*)<\/h4>$/m.exec(pageOf(mode, overrides)) ?? [];
    expect(`${heading.replaceAll(/<[^>]*>/g, '')}.`).toBe(line);
  });

  it('of a failure is its error', () => {
    expect(failureSummary("'<b>' is missing", notesOf('careful'))).toBe(
      "<h4>❌ '&lt;b&gt;' is missing</h4>\n<ul>\n<li>⚠️ careful</li>\n</ul>",
    );
  });
});

describe('the log of a miss', () => {
  const explanation = changed(6);
  const changes = { count: 102, names: ['M a', 'D \u001b[31mb'] };
  const folded = ['M a', 'D \\u{1b}[31mb', 'and 100 more sources'];

  it('gives the cause once, after the sources that the sentence has no room for', () => {
    const headline = ['🔨 Build needed: 6 sources changed.'];
    expect(linesOf('check', { explanation })).toEqual([headline]);
    expect(linesOf('check', { explanation, changes })).toEqual([['102 sources changed:', ...folded], headline]);
  });

  it('has an explanation that is not the headline before it', () => {
    const first: Explanation = { ...changed(0), kind: 'first-build', sentence: 'Nothing was built before' };
    expect(linesOf('check', { explanation: first })).toEqual([
      ['Nothing was built before.'],
      ['🔨 Build needed: nothing is stored for this commit.'],
    ]);
    expect(linesOf('check', { explanation, changes, reason: 'incomplete', detail: 'it was not finished' })).toEqual([
      ['6 sources changed.', ...folded],
      ['🔨 Build needed: the set of this commit does not count: it was not finished.'],
    ]);
  });

  it('says why each of several packages is needed', () => {
    const of = (name: string, overrides: Partial<Outcome>) => ({
      name,
      directory: name,
      prefix: name,
      outcome: outcome(overrides),
    });
    const packages = [of('<api>', { explanation, changes }), of('site', FOUND), of('tool', { explanation })];
    expect(linesOf('check', { packages })).toEqual([
      ['<api>: 6 sources changed.', ...folded],
      ['tool: 6 sources changed.'],
      ['🔨 Build needed: 2 of 3 packages: <api>, tool.'],
    ]);
  });
});

describe('a link to the run that built a set', () => {
  const link = (url: string | undefined, ownUrl = OWN_URL): string =>
    summaryOf({
      mode: 'check',
      outcome: outcome({ ...FOUND, builtBy: { ...BUILDER, ...(url === undefined ? {} : { url }) } }),
      notes: notesOf(),
      bucket: 'my-assets',
      tookMs: 1,
      ownUrl,
    });

  it('points to the page of the run', () => {
    expect(link(undefined)).toContain('built by <a href="https://github.com/o/r/actions/runs/76">run 76 of Build</a>');
  });

  it.each([
    'https://evil.example.com/o/r/actions/runs/76',
    'https://github.com.evil.example.com/',
    'javascript:alert(1)',
    'no url',
    'https://github.com:8443/',
  ])('is left out if it points elsewhere: %s', (url) => {
    expect(link(url)).not.toContain('<a');
    expect(link(url)).toContain('run 76 of Build');
  });

  it('can contain only a URL', () => {
    expect(link('https://github.com/"><script>')).toContain('<a href="https://github.com/%22%3E%3Cscript%3E">');
  });
});

describe('the page', () => {
  it('has one small table, with full hashes as tooltips', () => {
    const page = pageOf('check', { ...FOUND, codeHash: CODE_HASH });
    expect(page).toContain(
      '<tr><th>set</th><th>answer</th><th>built from</th><th>code hash</th><th>size</th><th>took</th></tr>',
    );
    expect(page).toContain(`<td><code title="${CODE_HASH}">${CODE_HASH.slice(0, 7)}</code></td>`);
    expect(page).toContain(
      `<code title="s3://my-assets/artifacts/${COMMIT}/">artifacts/${COMMIT.slice(0, 7)}/</code></td><td>artifact (complete)</td>`,
    );
    expect(page).toContain('<td>0.6 s</td>');
  });

  it('folds the files', () => {
    expect(pageOf('check', FOUND)).toContain(
      `<details><summary>2 files</summary>\n<table>\n<tr><th>name</th><th>size</th><th>SHA-256 (base64)</th></tr>\n<tr><td><code>a.zip</code></td><td>3 B</td>`,
    );
    expect(pageOf('check')).not.toContain('<details>');
  });

  it('lists at most a thousand files, and counts the rest', () => {
    const files = Array.from({ length: 10_000 }, (_, index) => assetFile(`file-${index}.zip`));
    const page = pageOf('restore', { ...FOUND, files, restored: true });
    expect(page.match(/<td><code>file-/g)).toHaveLength(1000);
    expect(page).toContain('<p>And 9000 more files: .record.json has them all.</p>');
  });

  it('cuts a long name, so that the size stays visible', () => {
    const [name, cut] = ['a'.repeat(56), 'a'.repeat(55)];
    const files = [assetFile(name), assetFile(cut)];
    const page = pageOf('upload', { ...FOUND, files, uploaded: true });
    expect(page).toContain(`<td><code title="${name}">${cut}…</code></td><td>3 B</td>`);
    expect(page).toContain(`<td><code>${cut}</code></td>`);
  });

  it('folds the changed sources if they do not fit into the sentence', () => {
    const explained = (count: number) => ({ explanation: changed(count), changes: changesOf(changed(count)) });
    expect(pageOf('check', explained(5))).not.toContain('<details>');
    const page = pageOf('check', explained(6));
    expect(page).toContain('<details><summary>6 sources changed</summary>');
    expect(page).toContain('<tr><td>M</td><td><code>src/5.ts</code></td></tr>\n</table>\n</details>');
    expect(pageOf('check', explained(250))).toContain('<p>And 150 more sources.</p>');
  });

  it('links the run that built what a miss is compared with, if it is of the same system', () => {
    const explanation = (url: string) => ({
      ...changed(1),
      sentence: '1 of 9 sources changed since the build of cccccccccccc (run #76): M src/0.ts',
      baseline: { commit: COMMIT, run: '#76', url },
    });
    const url = 'https://github.com/owner/repository/actions/runs/76';
    const linked = `1 of 9 sources changed since the build of cccccccccccc (<a href="${url}">run #76</a>): M src/0.ts`;
    expect(pageOf('check', { explanation: explanation(url) })).toContain(`<h4>🔨 Build needed: ${linked}</h4>`);
    const one = { name: 'api', directory: 'api', prefix: 'api', outcome: outcome({ explanation: explanation(url) }) };
    expect(pageOf('check', { packages: [one] })).toContain(`<td>${linked}</td>`);
    for (const other of ['https://evil.example.com/76', 'javascript:alert(1)'])
      expect(pageOf('check', { explanation: explanation(other) })).not.toContain('<a ');
  });

  it('has the reasons of packages, folded if there are many', () => {
    const one = (name: string) => ({
      ...{ name, directory: name, prefix: name },
      outcome: outcome({ explanation: { ...changed(1), sentence: `'<${name}>' changed` } }),
    });
    const page = pageOf('check', { packages: [one('api'), one('site')] });
    expect(page).toContain('<details open><summary>Why 2 packages must be built</summary>');
    expect(page).toContain("<tr><td>site</td><td>'&lt;site&gt;' changed</td></tr>");
    const first = one('first');
    const { explanation } = first.outcome;
    const isFirst = {
      ...first,
      outcome: outcome({ explanation: explanation && { ...explanation, kind: 'first-build' } }),
    };
    expect(pageOf('check', { packages: [isFirst] })).not.toContain('Why');
    expect(pageOf('check', { packages: [isFirst, one('site')] })).toContain('Why 2 packages must be built');
    const many = Array.from({ length: 11 }, (_, index) => one(`p${index}`));
    expect(pageOf('check', { packages: many })).toContain('<details><summary>Why 11 packages must be built</summary>');
  });

  it('folds the changed sources of each of several packages, if its sentence has no room for them', () => {
    const explanation = changed(6);
    const of = (name: string, overrides: Partial<Outcome>) => ({
      ...{ name, directory: name, prefix: name },
      outcome: outcome({ explanation, ...overrides }),
    });
    const page = pageOf('check', { packages: [of('<api>', { changes: changesOf(explanation) }), of('site', {})] });
    expect(page.match(/<summary>.*changed<\/summary>/g)).toEqual(['<summary>&lt;api&gt;: 6 sources changed</summary>']);
    expect(page).toContain('<td>M</td><td><code>src/5.ts</code></td>');
  });

  it('reads only the lists of changed sources that it has room for', () => {
    const { names, count } = changesOf(changed(1000)) ?? { names: [], count: 0 };
    let readCount = 0;
    const changes = {
      count,
      get names() {
        readCount += 1;
        return names;
      },
    };
    const one = { name: 'p', directory: 'p', prefix: 'p', outcome: outcome({ explanation: changed(1000), changes }) };
    const page = pageOf('check', { packages: new Array<typeof one>(500).fill(one) });
    const shownCount = page.match(/<summary>p: 1000 sources changed/g)?.length ?? 0;
    expect(shownCount).toBeGreaterThan(0);
    expect(readCount).toBe(shownCount + 1);
  });

  describe('stays below the limit for a step', () => {
    const LONG = ['<'.repeat(1000), '文'.repeat(1000), '\u202e'.repeat(1000)];

    it.each(LONG)('with 1000 files and warnings of %#', (name) => {
      const files = Array.from({ length: 1000 }, (_, index) => assetFile(`${index}${name}`));
      const warnings = new Array<string>(1000).fill(name.repeat(100));
      const page = pageOf('upload', { ...FOUND, files, uploaded: true }, notesOf(...warnings));
      expect(Buffer.byteLength(page)).toBeLessThan(1024 ** 2);
      expect(page).toMatch(/<li>⚠️ 9\d\d warnings before these are in the log\.<\/li>/);
      expect(page).toMatch(/<p>And [89]\d\d more files: \.record\.json has them all\.<\/p>/);
    });

    it.each(LONG)('with 500 packages whose builders and sources are %#', (name) => {
      const hostile = { ...BUILDER, runId: name.repeat(10), workflow: name, url: `https://github.com/${name}` };
      const explanation = { ...changed(1000, name), sentence: name };
      const packages = Array.from({ length: 500 }, (_, index) => ({
        ...{ name: `p${index}`, directory: 'd', prefix: 'p' },
        outcome: outcome({
          ...(index % 2 === 0 ? FOUND : {}),
          ...{ builtBy: hostile, explanation, changes: changesOf(explanation) },
        }),
      }));
      const warnings = new Array<string>(1000).fill(name);
      const page = pageOf('check', { packages }, notesOf(...warnings));
      expect(Buffer.byteLength(page)).toBeLessThan(1024 ** 2);
      expect(page).toContain('more packages');
      expect(page).toMatch(/<p>The log has the changed sources of [0-9]+ packages that are not listed here\.<\/p>$/);
      expect(
        Buffer.byteLength(pageOf('check', { explanation, changes: changesOf(explanation) }, notesOf(...warnings))),
      ).toBeLessThan(1024 ** 2);
    });
  });

  it('is only a line below the block that an earlier step wrote, and nothing after a hit', () => {
    const page = { bucket: 'my-assets', tookMs: 12_000, ownUrl: OWN_URL, notes: notesOf('careful') };
    const below = (mode: 'check' | 'upload' | 'restore', overrides: Partial<Outcome>, prefix = '') =>
      summaryOf({
        ...page,
        mode,
        outcome: outcome({ location: artifactSet(prefix, COMMIT), ...overrides }),
        reported: [artifactSet(prefix, COMMIT)],
      });
    expect(below('upload', { ...FOUND, reason: 'marker' })).toBe('');
    expect(below('upload', { ...FOUND, reason: 'read-only' })).toBe('');
    expect(below('upload', { reason: 'read-only' })).toMatch(/^<p>📦 Nothing uploaded, since access is 'read'<\/p>/);
    expect(below('upload', { ...FOUND, uploaded: true, reason: 'uploaded' })).toMatch(
      /^<p>📦 Stored 2 files, 1\.2 MB, in 12 s<\/p>\n<ul>\n<li>⚠️ careful<\/li>\n<\/ul>\n<details><summary>2 files/,
    );
    expect(below('restore', { ...FOUND, restored: true, builtBy: { runId: '76' } }, '<b>/api')).toBe(
      `<p>📥 Restored 2 files, 1.2 MB, in 12 s, built by run 76 (<code title="s3://my-assets/&lt;b&gt;/api/artifacts/${COMMIT}/">&lt;b&gt;/api/artifacts/${COMMIT.slice(0, 7)}/</code>)</p>\n<ul>\n<li>⚠️ careful</li>\n</ul>`,
    );
    expect(below('check', { changes: { count: 6, names: ['M a'] } })).not.toContain('<table>');
    const packages = [{ name: 'a', directory: 'a', prefix: 'a', outcome: outcome(FOUND) }];
    expect(below('check', { found: true, packages, location: artifactSet('', 'b'.repeat(40)) }, 'a')).toContain(
      '>a/artifacts/ccccccc/<',
    );
    expect(
      below('restore', { ...FOUND, restored: true, location: artifactSet('main', 'b'.repeat(40)) }, 'pr'),
    ).toContain(`(<code title="s3://my-assets/main/artifacts/${'b'.repeat(40)}/">main/artifacts/bbbbbbb/</code>)`);
  });

  it('escapes HTML in names, and line ends, since Markdown begins after a blank line', () => {
    const files = [assetFile('<img src=x onerror="a">&amp;'), assetFile('[b](c)\u202e')];
    const page = pageOf('check', { ...FOUND, files }, notesOf('a\n\n[b](c)\r\rd\u202e'));
    expect(page).toContain('<code>&lt;img src=x onerror=&quot;a&quot;&gt;&amp;amp;</code>');
    expect(page).toContain('<li>⚠️ a\\u{a}\\u{a}[b](c)\\u{d}\\u{d}d\\u{202e}</li>');
    expect(page).not.toMatch(/\n\s*\n|\u202e/);
  });

  it('contains nothing that GitHub strips, and nothing active, whatever the names are', () => {
    const pages = pagesOf(HOSTILE);
    const tags = new Set(pages.flatMap((page) => page.match(/<[^>]*>/g) ?? []));
    for (const tag of tags) {
      const [, name = '', attributes = ''] = /^<\/?([a-z0-9]+)((?: [a-z]+(?:="[^"<>]*")?)*)>$/.exec(tag) ?? [];
      expect(name).toMatch(ALLOWED_TAG);
      expect(`${name}${attributes.replaceAll(/"[^"]*"/g, '')}`).toMatch(ALLOWED_ATTRIBUTES);
      if (tag.startsWith('<a')) expect(tag).toMatch(/^<a href="https:\/\/github\.com\/[^"]*">$/);
    }
    for (const page of pages) {
      // The rest is text: no Markdown after a blank line, no character that hides or reorders others.
      expect(page.replaceAll(/<[^>]*>/g, '')).not.toMatch(/[<>]/);
      expect(page).not.toMatch(/\n\s*\n|[^\n\P{Cc}]|\p{Cf}|\p{Zl}|\p{Zp}/u);
    }
  });

  it('says why a build is needed where the heading says something else', () => {
    const explanation: Explanation = { ...changed(0), kind: 'first-build', sentence: 'Nothing to compare <with>' };
    const why = '<p>Nothing to compare &lt;with&gt;.</p>';
    expect(pageOf('check', { explanation })).toContain(`</h4>\n${why}\n<table>`);
    expect(pageOf('check', { explanation: changed(6), codeHash: CODE_HASH })).not.toContain('<p>');
    const miss = outcome({ explanation, changes: { count: 6, names: ['M a'] } });
    const page = { bucket: 'my-assets', ownUrl: OWN_URL, outcome: miss };
    expect(failureSummary('There are no assets', notesOf(), page)).toMatch(
      new RegExp(`^<h4>❌ There are no assets</h4>\\n${why}\\n<details><summary>6 sources changed`),
    );
    expect(failureSummary('There are no assets', notesOf(), { ...page, reported: [artifactSet('', COMMIT)] })).toBe(
      '<p>❌ There are no assets</p>',
    );
  });

  it('gives a hint after a miss that did not look for the same code', () => {
    const hint = 'with code-hash-filter, a build of the same code';
    expect(pageOf('check')).toContain(hint);
    expect(pageOf('check', { codeHash: CODE_HASH })).not.toContain(hint);
    expect(pageOf('check', { reason: 'in-progress' })).not.toContain(hint);
    expect(pageOf('check', FOUND)).not.toContain(hint);
    expect(pageOf('restore')).not.toContain(hint);
  });
});

describe('Notes', () => {
  it('collects the warnings in order', () => {
    const said: string[] = [];
    const notes = new Notes();
    const log = notes.of({
      info: (line, folded = []) => said.push(`info ${line}`, ...folded),
      warning: (line) => said.push(`warning ${line}`),
      debug: (line) => said.push(`debug ${line}`),
    });
    log.info('one', ['below one']);
    log.debug('two');
    log.warning('three');
    expect(said).toEqual(['info one', 'below one', 'debug two', 'warning three']);
    expect(notes.warnings).toEqual(['three']);
  });
});

describe('summaryOf several packages', () => {
  function cellsFor(builtBy: RunIdentity): string {
    const built = outcome({
      found: true,
      reason: 'complete',
      builtBy,
      builtFromCommit: COMMIT,
      files: [assetFile('a')],
    });
    const packages = [{ name: '<api>', directory: 'api', prefix: 'api', outcome: built }];
    return /<tr><td>.*<\/tr>/.exec(pageOf('check', { found: true, packages }))?.[0] ?? '';
  }

  it('links to the run that built', () => {
    const url = 'https://github.com/o/r/actions/runs/12';
    expect(cellsFor({ runId: '12', url })).toContain(`<td><a href="${url}">run 12</a></td>`);
  });

  it.each(['javascript:alert(1)', 'https://x"onclick="y', 'https://x/<b>', 'https://x/ y'])(
    'never links to %s, which a record may say',
    (url) => {
      const cells = cellsFor({ runId: '<b>12', url });
      expect(cells).toContain('<td>run &lt;b&gt;12</td>');
      expect(cells).toContain('<td>&lt;api&gt;</td>');
    },
  );

  it('names the commit if no record names the run', () => {
    expect(cellsFor({})).toContain(`>${COMMIT.slice(0, 7)}</code></td>`);
  });
});
