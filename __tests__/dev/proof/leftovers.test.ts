import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { strangers } from '../../../dev/proof/leftovers.ts';
import { MARKERS } from '../../../src/asset-set/path.ts';

it('markers, and what is to become one or an asset, are no strangers', () => {
  const temporary = [...MARKERS.map((name) => `${name}.${randomUUID()}.tmp`), `a/.restoring-${randomUUID()}`];
  expect(strangers([...MARKERS, ...temporary])).toEqual([]);
});

it('all else that is hidden is', () => {
  const hidden = ['.other', 'a/.found', '.found.tmp', '.found-at.old', `.other.${randomUUID()}.tmp`];
  expect(strangers(hidden)).toEqual(hidden);
});
