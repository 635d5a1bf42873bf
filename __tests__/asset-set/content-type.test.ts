import { expect, it } from '@jest/globals';
import { contentTypeOf } from '../../src/asset-set/plan.ts';

it.each([
  ['app.zip', 'application/zip'],
  ['deep/er/index.html', 'text/html'],
  ['a.JSON', 'application/json'],
  ['a.b.css', 'text/css'],
  ['app.js', 'text/javascript'],
  ['module.wasm', 'application/wasm'],
  ['image.svg', 'image/svg+xml'],
  ['no-extension', 'application/octet-stream'],
  ['folder.zip/no-extension', 'application/octet-stream'],
  ['a.unknown', 'application/octet-stream'],
  ['.hidden', 'application/octet-stream'],
  ['a.', 'application/octet-stream'],
])('%s is %s', (path, type) => {
  expect(contentTypeOf(path)).toBe(type);
});
