import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseOptions } from '../../../dev/servers/options.ts';

describe('the options', () => {
  it('are every server and a cache of this repository by default', () => {
    const { servers, installDirectory, check, reportDirectory } = parseOptions([]);
    expect(servers.map(({ id }) => id)).toEqual(['seaweedfs', 'versitygw', 'minio']);
    expect(installDirectory).toBe(resolve('node_modules/.cache/servers'));
    expect({ check, reportDirectory }).toEqual({ check: false, reportDirectory: undefined });
  });

  it('choose servers, without changing their order', () => {
    const { servers } = parseOptions(['--only', 'minio,seaweedfs']);
    expect(servers.map(({ id }) => id)).toEqual(['seaweedfs', 'minio']);
  });

  it.each(['ceph', 'minio,', ''])('refuse --only %j', (only) => {
    expect(() => parseOptions(['--only', only])).toThrow('give some of seaweedfs, versitygw, minio');
  });
});
