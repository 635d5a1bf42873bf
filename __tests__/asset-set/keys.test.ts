import { describe, expect, it } from '@jest/globals';
import { artifactSet, cacheSet } from '../../src/asset-set/location.ts';

describe('artifactSet', () => {
  it('puts assets under the commit, and their record outside the prefix that lists them', () => {
    expect(artifactSet('', 'c1')).toEqual({
      kind: 'artifact',
      id: 'c1',
      prefix: 'artifacts/c1/',
      recordKey: 'records/artifacts/c1.json',
    });
  });

  it('puts the prefix before both', () => {
    expect(artifactSet('team/app', 'c1')).toMatchObject({
      prefix: 'team/app/artifacts/c1/',
      recordKey: 'team/app/records/artifacts/c1.json',
    });
  });
});

describe('cacheSet', () => {
  it('puts assets under the code hash', () => {
    expect(cacheSet('', 'd1')).toEqual({
      kind: 'cache',
      id: 'd1',
      prefix: 'cache/d1/',
      recordKey: 'records/cache/d1.json',
    });
  });

  it('puts the prefix before both keys', () => {
    expect(cacheSet('team/app', 'd1')).toMatchObject({
      prefix: 'team/app/cache/d1/',
      recordKey: 'team/app/records/cache/d1.json',
    });
  });
});

describe('sets of one bucket', () => {
  it('never share a key, whatever their ids are', () => {
    const sets = [artifactSet('', 'c1'), artifactSet('', 'c10'), cacheSet('', 'c1'), cacheSet('', 'c10')];
    for (const set of sets) {
      const others = sets.filter((other) => other !== set);
      expect(others.filter(({ prefix }) => prefix.startsWith(set.prefix))).toEqual([]);
      expect(others.map(({ recordKey }) => recordKey)).not.toContain(set.recordKey);
      expect(sets.filter(({ prefix }) => set.recordKey.startsWith(prefix))).toEqual([]);
    }
  });
});
