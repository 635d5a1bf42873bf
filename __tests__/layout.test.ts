import { globSync, readFileSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

// Rules that erode little by little and that no other tool checks: Biome overlooks circular imports of types.

const ROOT = resolve(import.meta.dirname, '..');
const MOST_FILES = 85;
const LEAST_LINES = 20;
const MOST_FUNCTION_LINES = 40;
/** Files that may be short: the entries, and one constant. */
const SHORT = ['src/action.ts', 'src/entries.ts', 'src/version.ts'];

const paths = globSync('src/**/*.ts', { cwd: ROOT }).map((path) => path.replaceAll('\\', '/'));
const files = new Map(
  paths.map((path) => [
    path,
    ts.createSourceFile(path, readFileSync(resolve(ROOT, path), 'utf8'), ts.ScriptTarget.Latest),
  ]),
);

/** The project's own files that a file imports: values and types, statically and dynamically. */
function importsOf(path: string, { text }: ts.SourceFile): string[] {
  const names = ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName);
  return names.filter((name) => name.startsWith('.')).map((name) => posix.join(posix.dirname(path), name));
}

/** Files that import each other in a circle, directly or through others. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const reached = (from: string): Set<string> => {
    const seen = new Set(imports.get(from));
    // Iterating over a set also visits members that are added meanwhile.
    for (const path of seen) for (const next of imports.get(path) ?? []) seen.add(next);
    return seen;
  };
  return [...imports.keys()].filter((path) => reached(path).has(path));
}

/** `file: name (lines)` of each function that is too long. */
function longFunctions(path: string, file: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const [first, last] = [node.getStart(file), node.end].map((at) => file.getLineAndCharacterOfPosition(at).line);
      const lines = (last ?? 0) - (first ?? 0) + 1;
      if (lines > MOST_FUNCTION_LINES) found.push(`${path}: ${node.name?.getText(file) ?? 'a function'} (${lines})`);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

describe('src', () => {
  it('has no circular imports', () => {
    expect(circles(new Map([...files].map(([path, file]) => [path, importsOf(path, file)])))).toEqual([]);
    expect(
      circles(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['a', 'd']],
          ['d', []],
        ]),
      ),
    ).toEqual(['a', 'b', 'c']);
  });

  it(`has at most ${MOST_FILES} files, each of them worth opening`, () => {
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.length).toBeLessThanOrEqual(MOST_FILES);
    const short = [...files].filter(([, { text }]) => text.split('\n').length <= LEAST_LINES).map(([path]) => path);
    expect(short.toSorted()).toEqual(SHORT);
  });

  it(`has no function of more than ${MOST_FUNCTION_LINES} lines`, () => {
    expect([...files].flatMap(([path, file]) => longFunctions(path, file))).toEqual([]);
  });
});

it('has tests in folders of the same names', () => {
  const tested = globSync('__tests__/**/*.test.ts', { cwd: ROOT }).map((path) =>
    posix.dirname(path.replaceAll('\\', '/')),
  );
  const folders = new Set([...paths.map((path) => posix.dirname(path).replace('src', '__tests__')), ...OF_NO_MODULE]);
  expect([...new Set(tested)].filter((folder) => !folders.has(folder) && !folder.startsWith('__tests__/dev'))).toEqual(
    [],
  );
});

const OF_NO_MODULE = ['__tests__/dist', '__tests__/fuzz'];
