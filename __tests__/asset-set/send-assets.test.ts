import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { PackageDirectory } from '../../src/ports.ts';
import { Scenario } from '../support/scenario.ts';

const MIB = 1024 ** 2;

let scenario: Scenario;
beforeEach(async () => {
  scenario = await Scenario.create();
});
afterEach(() => scenario.close());

/** The package directory, with a count of the bytes of its files that this thread reads. */
function counting(packages: PackageDirectory, bytesRead: Map<string, number>): PackageDirectory {
  const open: PackageDirectory['open'] = async (path) => {
    const file = await packages.open(path);
    const read: typeof file.read = (position, lengthBytes, into) => {
      bytesRead.set(path, (bytesRead.get(path) ?? 0) + lengthBytes);
      return file.read(position, lengthBytes, into);
    };
    return { ...file, read };
  };
  return { ...packages, open };
}

async function bytesReadOf(files: Record<string, Uint8Array>): Promise<Record<string, number>> {
  await scenario.build(files);
  const bytesRead = new Map<string, number>();
  const packages = counting(scenario.ports().packages, bytesRead);
  expect(await scenario.upload({}, { packages })).toMatchObject({ reason: 'uploaded' });
  return Object.fromEntries(bytesRead);
}

describe('the bytes of an asset', () => {
  it('are read once to be hashed and sent if they fit into one request', async () => {
    const sizes = { 'a.zip': 1000, 'empty.txt': 0, 'nested/b.zip': 2 * MIB };
    const files = Object.entries(sizes).map(([path, size]) => [path, Buffer.alloc(size, path)]);
    expect(await bytesReadOf(Object.fromEntries(files))).toEqual(sizes);
  });

  it('are read once to be sent if they are sent in parts, after other threads have hashed them', async () => {
    const sizeBytes = scenario.ports().store.partSizeBytes * 2 + 1;
    expect(await bytesReadOf({ 'large.zip': Buffer.alloc(sizeBytes, 'large') })).toEqual({ 'large.zip': sizeBytes });
  });
});
