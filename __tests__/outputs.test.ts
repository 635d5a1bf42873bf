import { describe, expect, it } from '@jest/globals';
import type { Explanation } from '../src/asset-set/explanation.ts';
import { artifactSet, cacheSet } from '../src/asset-set/location.ts';
import type { Outcome } from '../src/modes/outcome.ts';
import { OUTPUTS, outputsOf } from '../src/outputs.ts';
import { outputText } from '../src/text.ts';
import { assetFile, CODE_HASH, COMMIT } from './asset-set/records.ts';
import { outcome } from './modes/outcomes.ts';

function textsOf(overrides: Partial<Outcome> = {}): Record<string, string> {
  const outputs = [...outputsOf(outcome(overrides), 'my-assets')];
  return Object.fromEntries(outputs.map(([name, value]) => [name, outputText(value, 256 * 1024)]));
}

describe('the outputs', () => {
  it('report a miss: where the set will be, without files', () => {
    expect(textsOf({ codeHash: CODE_HASH })).toEqual({
      found: 'false',
      source: 'none',
      reason: 'absent',
      'cache-hit': 'false',
      'commit-sha': COMMIT,
      'code-hash': CODE_HASH,
      'built-from-commit': '',
      'artifact-prefix': `artifacts/${COMMIT}/`,
      'artifact-uri': `s3://my-assets/artifacts/${COMMIT}/`,
      'record-uri': `s3://my-assets/records/artifacts/${COMMIT}.json`,
      'file-count': '0',
      'total-bytes': '0',
      uploaded: 'false',
      cached: 'false',
      restored: 'false',
      explanation: '{}',
      files: '[]',
      packages: '[]',
      build: '[]',
      matrix: '{"include":[]}',
    });
  });

  it('report a hit in the cache that is used in place', () => {
    const hit = { found: true, source: 'cache', reason: 'complete', codeHash: CODE_HASH } as const;
    const files = [assetFile('a.zip', { size: 3 }), assetFile('sub/b.zip', { size: 39 })];
    const location = cacheSet('team/app', CODE_HASH);
    expect(textsOf({ ...hit, builtFromCommit: 'b'.repeat(40), location, files, restored: true })).toEqual({
      found: 'true',
      source: 'cache',
      reason: 'complete',
      'cache-hit': 'true',
      'commit-sha': COMMIT,
      'code-hash': CODE_HASH,
      'built-from-commit': 'b'.repeat(40),
      'artifact-prefix': `team/app/cache/${CODE_HASH}/`,
      'artifact-uri': `s3://my-assets/team/app/cache/${CODE_HASH}/`,
      'record-uri': `s3://my-assets/team/app/records/cache/${CODE_HASH}.json`,
      'file-count': '2',
      'total-bytes': '42',
      uploaded: 'false',
      cached: 'false',
      restored: 'true',
      explanation: '{}',
      files: expect.any(String),
      packages: '[]',
      build: '[]',
      matrix: '{"include":[]}',
    });
  });

  it('report an upload', () => {
    const upload = { found: true, source: 'artifact', reason: 'uploaded', builtFromCommit: COMMIT } as const;
    expect(textsOf({ ...upload, files: [assetFile('a.zip')], uploaded: true, cached: true })).toMatchObject({
      found: 'true',
      source: 'artifact',
      reason: 'uploaded',
      'cache-hit': 'false',
      'code-hash': '',
      'built-from-commit': COMMIT,
      'file-count': '1',
      uploaded: 'true',
      cached: 'true',
    });
  });

  it('report several packages together, and list those that need a build', () => {
    const one = (name: string, overrides: Partial<Outcome>) => ({
      name,
      directory: `${name}/dist`,
      prefix: name,
      outcome: outcome({ location: artifactSet(name, COMMIT), codeHash: CODE_HASH, ...overrides }),
    });
    const packages = [one('api', {}), one('site', { found: true, reason: 'complete', source: 'artifact' })];
    const actual = textsOf({ packages });
    expect(actual).toMatchObject({
      build: '["api"]',
      files: '[]',
      'artifact-prefix': '',
      'artifact-uri': '',
      'record-uri': '',
    });
    expect(JSON.parse(actual.matrix ?? '')).toEqual({
      include: [{ package: 'api', directory: 'api/dist', prefix: 'api', 'code-hash': CODE_HASH }],
    });
    expect(JSON.parse(actual.packages ?? '')).toMatchObject([
      {
        name: 'api',
        found: false,
        reason: 'absent',
        source: 'none',
        'artifact-uri': `s3://my-assets/api/artifacts/${COMMIT}/`,
      },
      { name: 'site', found: true, reason: 'complete', source: 'artifact', 'built-from-commit': '' },
    ]);
  });

  it('include every output, whatever the outcome is', () => {
    expect([...outputsOf(outcome(), 'my-assets').keys()]).toEqual(Object.keys(OUTPUTS));
  });
});

describe('the output explanation', () => {
  const NONE = { count: 0, names: [] };
  const EXPLANATION: Explanation = {
    kind: 'sources-changed',
    sentence: '1 of 2 sources changed',
    added: NONE,
    changed: { count: 1, names: ['\u001b[2J'] },
    deleted: NONE,
    mode: NONE,
    needs: NONE,
    salt: NONE,
    patterns: NONE,
  };

  it('is JSON on one line without control characters', () => {
    const { explanation = '' } = textsOf({ explanation: EXPLANATION });
    expect(explanation).toMatch(/^[ -~]*$/);
    expect(JSON.parse(explanation)).toEqual(EXPLANATION);
  });

  const baseline = { commit: COMMIT, codeHash: CODE_HASH };
  const LARGE = { ...EXPLANATION, baseline, added: { count: 100, names: ['\u2028'.repeat(300_000)] } };
  const of = (explanation: Explanation, name: string) => ({
    ...{ name, directory: name, prefix: name },
    outcome: outcome({ explanation }),
  });

  it('leaves out lists that are too long', () => {
    const { explanation = '' } = textsOf({ explanation: LARGE });
    const { kind, sentence, added, changed, baseline: built } = JSON.parse(explanation);
    expect({ kind, sentence, added, changed, built }).toEqual({
      kind: 'sources-changed',
      sentence: '1 of 2 sources changed',
      added: { count: 100 },
      changed: { count: 1 },
      built: baseline,
    });
  });

  it('contains one for each package that has one', () => {
    const packages = [of(EXPLANATION, 'api'), { ...of(EXPLANATION, 'site'), outcome: outcome({ found: true }) }];
    expect(JSON.parse(textsOf({ packages }).explanation ?? '')).toEqual({ api: EXPLANATION });
    const { explanation = '' } = textsOf({ packages: [of(LARGE, 'api'), of(EXPLANATION, 'site')] });
    expect(JSON.parse(explanation)).toMatchObject({
      api: { added: { count: 100 }, baseline },
      site: { changed: { count: 1 } },
    });
  });

  it('is reduced to its sentences, or to nothing, if it would be too long', () => {
    const many = (sentence: string) =>
      Array.from({ length: 500 }, (_, index) => of({ ...EXPLANATION, baseline, sentence }, `p${index}`));
    const texts = JSON.parse(textsOf({ packages: many('x'.repeat(300)) }).explanation ?? '');
    expect(texts.p499).toEqual({ kind: 'sources-changed', sentence: 'x'.repeat(300), baseline });
    expect(textsOf({ packages: many('x'.repeat(600)) }).explanation).toBe('{}');
  });
});

describe("the output 'files'", () => {
  it('lists path, size, digest and key', () => {
    const [file] = [assetFile('sub/a.zip')];
    expect(JSON.parse(textsOf({ files: [file] }).files ?? '')).toEqual([
      { path: 'sub/a.zip', size: 3, sha256: file.sha256, key: `artifacts/${COMMIT}/sub/a.zip` },
    ]);
  });

  it('leaves out unknown digests', () => {
    expect(JSON.parse(textsOf({ files: [{ path: 'a', size: 1 }] }).files ?? '')).toEqual([
      { path: 'a', size: 1, key: `artifacts/${COMMIT}/a` },
    ]);
  });

  it('is on one line, whatever the names are', () => {
    const path = 'a\nb\r\u2028c\u2029d\u0085"\ud800';
    const { files } = textsOf({ files: [{ path, size: 1 }] });
    expect(files).not.toMatch(/[\n\r\u2028\u2029]/);
    expect(JSON.parse(files ?? '')).toMatchObject([{ path }]);
  });

  it('contains no control characters', () => {
    const path = '\u001b[2J\u009b2J\u007f\u202e';
    const { files = '' } = textsOf({ files: [{ path, size: 1 }] });
    expect(files).toMatch(/^[ -~]*$/);
    expect(JSON.parse(files)).toMatchObject([{ path }]);
  });

  it.each(['a', '\u2028'])('is empty only above 256 Ki characters: %j', (character) => {
    const actual = character === 'a' ? 1 : '\\u2028'.length;
    // The output contains the path twice: as the path, and in the key.
    const room = 256 * 1024 - (textsOf({ files: [{ path: '', size: 1 }] }).files?.length ?? 0);
    const count = Math.floor(room / (2 * actual));
    const all = textsOf({ files: [{ path: character.repeat(count), size: 1 }] });
    const without = textsOf({ files: [{ path: character.repeat(count + 1), size: 1 }] });
    expect(all.files).not.toBe('');
    expect(without).toMatchObject({ files: '', 'file-count': '1' });
  });
});
