import { existsSync, globSync } from 'node:fs';
import { expect, it } from '@jest/globals';

/** Tests of no single module. */
const EXCEPTIONS = [
  'contract',
  'layout',
  'readme',
  /^(dist|fuzz|model|proof)\//,
  'adapters/git/settled-entries',
  /^adapters\/s3\/(keys|listing|wire)$/,
  /^modes\/(commit|handover|python-tool)$/,
  'dev/servers/local-s3',
  'dev/local-s3/operations/multipart',
];

const tests = globSync('**/*.test.ts', { cwd: '__tests__' }).map((path) => path.replaceAll('\\', '/'));

it.each(tests)('%s lies and is called as the module it tests', (path) => {
  // `.local` marks tests that need the local server; `check-cache` tests one side of `check`.
  const name = path.replace(/(\.local)?\.test\.ts$/, '');
  const modules = prefixes(name).flatMap((module) => [`src/${module}.ts`, `${module}.ts`]);
  const isException = EXCEPTIONS.some((one) => (typeof one === 'string' ? one === name : one.test(name)));
  expect(isException || modules.some((module) => existsSync(module))).toBe(true);
});

/** `a/b-c-d`, `a/b-c` and `a/b`. */
function prefixes(name: string): string[] {
  const shorter = name.replace(/-[^-/]*$/, '');
  return shorter === name ? [name] : [name, ...prefixes(shorter)];
}
