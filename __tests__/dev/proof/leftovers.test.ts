import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { strangers } from '../../../dev/proof/leftovers.ts';
import { MARKERS } from '../../../src/asset-set/path.ts';

it('markers, and temporary files of markers and assets, are expected', () => {
  const temporary = [...MARKERS.map((name) => `${name}.${randomUUID()}.tmp`), `a/.restoring-${randomUUID()}`];
  expect(strangers([...MARKERS, ...temporary])).toEqual([]);
});

it('any other hidden file is unexpected', () => {
  const hidden = ['.other', 'a/.found', '.found.tmp', '.found-at.old', `.other.${randomUUID()}.tmp`];
  expect(strangers(hidden)).toEqual(hidden);
});
