import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { scratch } from '../../src/adapters/scratch.ts';
import { UserError } from '../../src/errors.ts';
import { useEnvironment } from './s3/environment.ts';

const setEnvironment = useEnvironment();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scratch-'));
  setEnvironment({ RUNNER_TEMP: folder });
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('a scratch file', () => {
  it('reads as a buffer of the same bytes would', async () => {
    const place = fc.nat({ max: 40 });
    const pieces = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(pieces, place, place, place, async (parts, targetStart, start, end) => {
        const file = await scratch();
        for (const part of parts) file.append(part);
        const bytes = Buffer.concat(parts);
        expect(file.length).toBe(bytes.length);
        expect(file.toString('latin1', start, end)).toBe(bytes.toString('latin1', start, end));
        expect(file.toString()).toBe(bytes.toString());
        const [target, expected] = [Buffer.alloc(20), Buffer.alloc(20)];
        const [from, to] = [Math.min(targetStart, 20), Math.min(start, bytes.length)];
        expect(file.copy(target, from, to, end)).toBe(bytes.copy(expected, from, to, end));
        expect(target).toEqual(expected);
      }),
    );
  });

  it('has no name, so that nothing is left of it', async () => {
    const file = await scratch();
    file.append(Buffer.from('secret'));
    expect(await readdir(folder)).toEqual([]);
    expect(file.toString()).toBe('secret');
  });

  it('takes no place before something is put into it', async () => {
    setEnvironment({ RUNNER_TEMP: join(folder, 'not-there') });
    const file = await scratch();
    expect(file.toString()).toBe('');
    expect(() => file.append(Buffer.from('x'))).toThrow(UserError);
    expect(() => file.append(Buffer.from('x'))).toThrow(`not-there (ENOENT): make room there`);
  });
});
