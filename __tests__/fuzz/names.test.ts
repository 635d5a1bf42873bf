import { posix, win32 } from 'node:path';
import { describe } from '@jest/globals';
import fc from 'fast-check';
import { type NamingRules, namingProblem, pathProblem } from '../../src/asset-set/path.ts';
import { addressOf } from '../../src/s3/endpoint.ts';
import { isPrintableLine, itHolds, troublesomeText } from './fuzzing.ts';

const PREFIX = `artifacts/${'c'.repeat(40)}/`;
const MARKERS = ['.found', '.found-at', '.commit-hash', '.code-hash', '.record.json', '.sha256sums'];
const NAMES = [
  ...MARKERS,
  '.FOUND',
  'con',
  'NUL.txt',
  'COM1',
  'C:',
  'c:x',
  'a.',
  'a ',
  '..',
  '.',
  '...',
  '.. ',
  '~',
  'x'.repeat(300),
];
const BUCKET = { bucket: 'bucket', endpointUrl: 'http://127.0.0.1:9', forcePathStyle: true };

const segment = fc.oneof(fc.constantFrom(...NAMES), troublesomeText(), fc.string({ unit: 'binary', maxLength: 4 }));
const path = fc
  .tuple(fc.constantFrom('', '', '', '/', './', '../', 'C:/', '//'), fc.array(segment, { minLength: 1, maxLength: 4 }))
  .map(([start, segments]) => start + segments.join('/'));

/** Whether a path may be stored, and restored on a system with these rules. */
function isAccepted(name: string, rules: NamingRules): boolean {
  const problem = pathProblem(name, [PREFIX]);
  if (problem !== undefined && !isPrintableLine(problem)) throw new Error(`No line: ${problem}`);
  const naming = namingProblem([name], rules);
  if (naming !== undefined && !isPrintableLine(naming)) throw new Error(`No line: ${naming}`);
  return problem === undefined && naming === undefined;
}

function expectInside(name: string, { join, relative, isAbsolute }: typeof posix, root: string): void {
  const target = join(root, name);
  const back = relative(root, target);
  if (back === '' || (back.startsWith('..') && /^\.\.([\\/]|$)/.test(back)) || isAbsolute(back))
    throw new Error(`It leads to ${target}`);
  if (back.replaceAll('\\', '/') !== name) throw new Error(`It becomes ${back}`);
}

/** A system that ignores case takes `.FOUND` for `.found`. */
function expectNoMarker(name: string, rules: NamingRules): void {
  const known = rules === 'other' ? name : name.toLowerCase();
  if (MARKERS.includes(known)) throw new Error(`It is a marker for ${rules}`);
}

function expectRoundTrip(name: string): void {
  const key = PREFIX + name;
  if (Buffer.from(key).toString('utf8') !== key) throw new Error('It is not the same as UTF-8');
  if (Buffer.byteLength(key) > 1024) throw new Error('Its key is too long');
  const { path: target } = addressOf(BUCKET, 'us-east-1', key);
  if (!/^[\w.~/%-]+$/.test(target)) throw new Error(`Its request would go to ${target}`);
  if (new URL(target, 'http://host').pathname !== target) throw new Error(`A URL makes something else of ${target}`);
  if (decodeURIComponent(target) !== `/bucket/${key}`) throw new Error(`Its request asks for ${target}`);
}

describe('names of assets', () => {
  itHolds('that are accepted stay inside the package directory, and survive as keys', path, (name) => {
    if (pathProblem(name, [PREFIX]) === undefined) expectRoundTrip(name);
    if (isAccepted(name, 'other')) {
      expectInside(name, posix, '/packages');
      expectNoMarker(name, 'other');
    }
    if (isAccepted(name, 'darwin')) expectNoMarker(name, 'darwin');
    if (!isAccepted(name, 'win32')) return;
    expectInside(name, win32, 'C:\\packages');
    expectNoMarker(name, 'win32');
  });

  const folding = fc.tuple(path, path, fc.constantFrom<NamingRules>('win32', 'darwin', 'other'));

  itHolds('that are accepted together are files of their own', folding, ([left, right, rules]) => {
    if (left === right || namingProblem([left, right], rules) !== undefined) return;
    const [one, other] = rules === 'other' ? [left, right] : [left.toLowerCase(), right.toLowerCase()];
    if (one === other) throw new Error('They are the same file');
    if (one.startsWith(`${other}/`) || other.startsWith(`${one}/`)) throw new Error("One is the other's folder");
  });
});
