import { describe, expect, it } from '@jest/globals';
import { isHidden, isMarker, isTemporary, MARKERS, pathProblem } from '../../src/asset-set/path.ts';
import { temporaryName } from '../../src/package-directory/package-directory.ts';
import { comparePaths } from '../../src/text.ts';

const SEGMENTS = "it has an empty, '.' or '..' segment";
const BACKSLASH = 'it has a backslash, which is a separator on Windows';
const CONTROL = 'it has a control character';
const UTF8 = 'it is not valid UTF-8';
const MARKER = 'it is a marker file of this action';

describe('pathProblem', () => {
  it.each([
    'app.zip',
    'sub/folder/app.zip',
    'a b/c.zip',
    'Größe/日本語/😀.txt',
    '...',
    '.hidden',
    'a..b/..c/d..',
    'sub/.found',
    '.found2',
    'C:/app.zip',
    "it's #1 & 100 % + <ok>?.zip",
  ])('accepts %j', (path) => {
    expect(pathProblem(path, ['artifacts/c1/'])).toBeUndefined();
  });

  it.each([
    ['', 'it is empty'],
    ['..', SEGMENTS],
    ['../app.zip', SEGMENTS],
    ['sub/../app.zip', SEGMENTS],
    ['sub/..', SEGMENTS],
    ['.', SEGMENTS],
    ['./app.zip', SEGMENTS],
    ['sub/./app.zip', SEGMENTS],
    ['sub//app.zip', SEGMENTS],
    ['/app.zip', SEGMENTS],
    ['//server/app.zip', SEGMENTS],
    ['sub/', SEGMENTS],
    ['/', SEGMENTS],
    ['..\\app.zip', BACKSLASH],
    ['sub\\app.zip', BACKSLASH],
    ['a\nb', CONTROL],
    ['a\0b', CONTROL],
    ['a\tb', CONTROL],
    ['a\u001b[2Jb', CONTROL],
    ['a\u007fb', CONTROL],
    ['a\u0085b', CONTROL],
    ['a\ud800b', UTF8],
    ['\udc00\ud800', UTF8],
    ['a\ufffdb', UTF8],
    ['.found', MARKER],
    ['.commit-hash', MARKER],
    ['.code-hash', MARKER],
    ['.record.json', MARKER],
    ['.found/app.zip', MARKER],
  ])('refuses %j, since %s', (path, problem) => {
    expect(pathProblem(path, ['artifacts/c1/'])).toBe(problem);
  });

  it.each([
    ['ASCII', 'a'.repeat(1024 - 4)],
    ['two bytes each', 'é'.repeat((1024 - 4) / 2)],
    ['four bytes each', '😀'.repeat((1024 - 4) / 4)],
  ])('accepts a key of 1024 bytes, but not of 1025: %s', (_, path) => {
    expect(pathProblem(path, ['key/'])).toBeUndefined();
    expect(pathProblem(`${path}a`, ['key/'])).toBe('its key under key/ would have 1025 bytes, and S3 takes 1024');
  });

  it('counts the bytes of every prefix', () => {
    const [fits, tooLong] = [`${'p'.repeat(1022)}/`, `${'p'.repeat(1023)}/`];
    expect(pathProblem('a', ['short/', fits])).toBeUndefined();
    expect(pathProblem('a', ['short/', tooLong])).toBe(
      `its key under ${tooLong} would have 1025 bytes, and S3 takes 1024`,
    );
  });

  it.each([
    '.git',
    '.git/config',
    'a/.GIT/hooks/x',
    'git~1',
    'a/Git~1/b',
    '.git./x',
    '.git ./x',
    '.git:stream',
    '.git::$INDEX_ALLOCATION/x',
    '.\u200dgit',
    '.git\u202e/x',
  ])("keeps out of git's own files: %j", (path) => {
    expect(pathProblem(path, [])).toBe("it leads into git's own files");
  });

  it.each(['.gitignore', '.github/x', 'git', 'x.git', 'git~2', '.git~1', '.gitmodules/x', '. git'])(
    'accepts %j',
    (path) => {
      expect(pathProblem(path, [])).toBeUndefined();
    },
  );
});

describe('isMarker', () => {
  it('recognizes the names that users and the Python tool rely on', () => {
    expect(MARKERS).toEqual([
      '.found',
      '.found-at',
      '.commit-hash',
      '.code-hash',
      '.code-sources',
      '.record.json',
      '.sha256sums',
    ]);
    expect(MARKERS.filter((name) => !isMarker(name))).toEqual([]);
  });

  it('recognizes markers only at the root', () => {
    const paths = ['.found', '.found-at', '.commit-hash', '.record.json', 'sub/.found', 'found', '.Found', ''];
    expect(paths.filter(isMarker)).toEqual(['.found', '.found-at', '.commit-hash', '.record.json']);
  });
});

describe('isTemporary', () => {
  const uuid = '01234567-89ab-cdef-0123-456789abcdef';

  it.each(MARKERS)('recognizes the temporary file of %s', (name) => {
    expect(isTemporary(temporaryName(name, uuid))).toBe(true);
    expect(isTemporary(`sub/${temporaryName(name, uuid)}`)).toBe(false);
  });

  it.each([`.other.${uuid}.tmp`, `app.zip.${uuid}.tmp`, '.found.tmp', `.found.${uuid}`, `.${uuid}.tmp`])(
    'is not %s',
    (path) => expect(isTemporary(path)).toBe(false),
  );
});

describe('isHidden', () => {
  it.each(['.env', '.git/config', 'a/.env', 'a/.b/c', '.found'])('hides %j', (path) => {
    expect(isHidden(path)).toBe(true);
  });

  it.each(['app.zip', 'a/b.c', 'a./b', 'a/b.'])('shows %j', (path) => {
    expect(isHidden(path)).toBe(false);
  });
});

describe('comparePaths', () => {
  it('orders by UTF-8 bytes, as S3 does, not by UTF-16 units', () => {
    // UTF-16 would have the emoji before the full-width letter.
    const inOrder = ['', 'A', 'Z', 'a', 'a-b', 'a/b', 'a0', 'aa', 'é', '日', 'ａ', '😀'];
    expect(inOrder.toReversed().toSorted(comparePaths)).toEqual(inOrder);
  });

  it('considers a path equal only to itself', () => {
    expect(comparePaths('é', 'é')).toBe(0);
    expect(comparePaths('e\u0301', 'é')).not.toBe(0);
  });
});
