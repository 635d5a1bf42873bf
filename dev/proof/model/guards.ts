import ts from 'typescript';

// Finds guards in the sources. A mutant describes its guard by a pattern of code, which still matches after the code is
// moved or reformatted, or its local variables are renamed.

/** A piece of code, as its tokens. */
interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface Guard {
  /** Names the guard in messages. */
  readonly guard: string;
  /** A pattern of code, in which the name of a local variable matches any other name. */
  readonly text: string;
  /** The code that replaces it; names from the pattern become the names that they matched. */
  readonly replacement: string;
  /** The function or method it is in, if the pattern also matches elsewhere. */
  readonly within?: string;
}

interface Place {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  /** The matched name for each name in the pattern. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * Removes a guard from the sources.
 *
 * @param sources the text of each file, by its path
 * @returns the file that had it, and its text without the guard
 * @throws Error if it is not found exactly once
 */
export function withoutGuard(
  sources: ReadonlyMap<string, string>,
  guard: Guard,
): { readonly path: string; readonly original: string; readonly mutated: string } {
  const places = [...sources].flatMap(([path, text]) => placesIn(path, text, guard));
  const [place, ...others] = places;
  if (place === undefined || others.length > 0) {
    const where = places.map(({ path, start }) => `${path}:${lineOf(sources.get(path) ?? '', start)}`);
    throw new Error(`The guard '${guard.guard}' is found ${places.length} times (${where.join(', ')}): ${guard.text}`);
  }
  const original = sources.get(place.path) ?? '';
  const replacement = renamed(guard.replacement, place.names);
  return {
    path: place.path,
    original,
    mutated: original.slice(0, place.start) + replacement + original.slice(place.end),
  };
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}

function placesIn(path: string, text: string, { text: pattern, within }: Guard): Place[] {
  const wanted = tokensOf(pattern);
  const tokens = tokensOf(text);
  const scopes = within === undefined ? [{ start: 0, end: text.length }] : scopesOf(path, text, within);
  return tokens.flatMap((first, index) => {
    const last = tokens[index + wanted.length - 1];
    if (last === undefined || !scopes.some(({ start, end }) => first.start >= start && last.end <= end)) return [];
    const names = matched(wanted, tokens.slice(index, index + wanted.length));
    return names === undefined ? [] : [{ path, start: first.start, end: last.end, names }];
  });
}

/** The functions and methods with this name. */
function scopesOf(path: string, text: string, name: string): { readonly start: number; readonly end: number }[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: { start: number; end: number }[] = [];
  const visit = (node: ts.Node): void => {
    const isNamed = ts.isFunctionLike(node) || ts.isVariableDeclaration(node) || ts.isPropertyAssignment(node);
    if (isNamed && node.name?.getText() === name) found.push({ start: node.getStart(), end: node.end });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** @returns the matched name for each name in the pattern; undefined if the tokens don't match */
function matched(pattern: readonly Token[], tokens: readonly Token[]): ReadonlyMap<string, string> | undefined {
  const names = new Map<string, string>();
  for (const [index, { text }] of pattern.entries()) {
    const actual = tokens[index]?.text ?? '';
    if (isVariable(pattern, index) && isVariable(tokens, index)) {
      if ((names.get(text) ?? actual) !== actual) return undefined;
      names.set(text, actual);
    } else if (text !== actual) return undefined;
  }
  return new Set(names.values()).size === names.size ? names : undefined;
}

/** Whether a token is the name of a local variable, not of a property, a called function, a type or a constant. */
function isVariable(tokens: readonly Token[], index: number): boolean {
  const [before, { text = '' } = {}, after] = [tokens[index - 1], tokens[index], tokens[index + 1]];
  if (!/^[a-z][a-zA-Z]*$/.test(text) || KEYWORDS.has(text)) return false;
  return before?.text !== '.' && before?.text !== '?.' && after?.text !== '(' && after?.text !== ':';
}

const KEYWORDS = new Set(
  'async await break case catch class const continue default delete do else export extends false finally for function if import in instanceof let new null of return static super switch this throw true try type typeof undefined var void while yield as readonly'.split(
    ' ',
  ),
);

const known = new Map<string, readonly Token[]>();

/** The tokens of a text, without white space, comments, and the commas that a formatter adds. */
function tokensOf(text: string): readonly Token[] {
  const tokens = known.get(text) ?? scanned(text);
  known.set(text, tokens);
  return tokens;
}

function scanned(text: string): readonly Token[] {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, true, ts.LanguageVariant.Standard, text);
  const tokens: Token[] = [];
  const braces: boolean[] = [];
  for (let kind = scanner.scan(); kind !== ts.SyntaxKind.EndOfFileToken; kind = scanner.scan()) {
    if (kind === ts.SyntaxKind.TemplateHead) braces.push(true);
    else if (kind === ts.SyntaxKind.OpenBraceToken) braces.push(false);
    else if (kind === ts.SyntaxKind.CloseBraceToken && braces.pop() === true) {
      const isMiddle = scanner.reScanTemplateToken(false) === ts.SyntaxKind.TemplateMiddle;
      if (isMiddle) braces.push(true);
    } else if (kind === ts.SyntaxKind.SlashToken && !endsValue(tokens.at(-1)?.text ?? '')) scanner.reScanSlashToken();
    tokens.push({ text: scanner.getTokenText(), start: scanner.getTokenStart(), end: scanner.getTokenEnd() });
  }
  return tokens.filter(({ text }, index) => text !== ',' || !/^[)\]}]$/.test(tokens[index + 1]?.text ?? ''));
}

/** Whether a slash after this token means division. */
function endsValue(token: string): boolean {
  return /[\w$)\]}'"`]$/.test(token) && !KEYWORDS.has(token);
}

function renamed(replacement: string, names: ReadonlyMap<string, string>): string {
  const tokens = tokensOf(replacement);
  let text = replacement;
  for (const [index, { text: name, start, end }] of [...tokens.entries()].toReversed())
    if (isVariable(tokens, index) && names.has(name)) text = text.slice(0, start) + names.get(name) + text.slice(end);
  return text;
}
