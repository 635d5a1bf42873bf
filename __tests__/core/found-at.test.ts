import { describe, expect, it } from '@jest/globals';
import { foundAt, foundFor } from '../../src/core/found-at.ts';
import { artifactSet, cacheSet } from '../../src/core/keys.ts';

const COMMIT = 'c'.repeat(40);
const OWN = artifactSet('team/app', COMMIT);

describe('what .found-at says', () => {
  it.each([
    OWN,
    artifactSet('main', COMMIT),
    artifactSet('', COMMIT),
    cacheSet('team/app', 'e'.repeat(64)),
    cacheSet('cache/artifacts', 'e'.repeat(64)),
  ])('is read as it was written: %j', (found) => {
    expect(foundFor(foundAt('b', { asked: OWN, found }), 'b', OWN)).toEqual(found);
  });

  it('is the own set where it is not there, as of the Python tool', () => {
    expect(foundFor(undefined, 'b', OWN)).toEqual(OWN);
  });

  it.each([
    ['another bucket', foundAt('other', { asked: OWN, found: OWN })],
    ['another prefix', foundAt('b', { asked: artifactSet('team', COMMIT), found: OWN })],
    ['another commit', foundAt('b', { asked: artifactSet('team/app', 'd'.repeat(40)), found: OWN })],
    ['half of it', `s3://b/${OWN.prefix}\n`],
    ['a set of another bucket', `s3://b/${OWN.prefix}\ns3://other/${OWN.prefix}\n`],
    ['what is no set', `s3://b/${OWN.prefix}\ns3://b/records/\n`],
    ['what is no set at its end', `s3://b/${OWN.prefix}\ns3://b/artifacts/cc/../x\n`],
    ['a set without an id', `s3://b/${OWN.prefix}\ns3://b/artifacts//\n`],
    ['nothing', ''],
    ['something else', 'found'],
  ])('does not count of %s', (_, text) => {
    expect(foundFor(text, 'b', OWN)).toBeUndefined();
  });
});
