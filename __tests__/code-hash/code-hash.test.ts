import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { gitSha256, md5 } from '../../src/code-hash/code-hash.ts';
import { InputError } from '../../src/errors.ts';

const ID = 'ce013625030ba8dba906f756967f9e9ca394464a';
const entry = (path: string, mode = '100644') => `${mode} ${ID} 0\t${path}`;
const listing = (...entries: string[]) => Buffer.from(entries.map((each) => `${each}\0`).join(''), 'latin1');
const sha256 = (bytes: string) => createHash('sha256').update(bytes, 'latin1').digest('hex');
const START = 's3-asset-manager/code-hash/v1\0';

describe('gitSha256', () => {
  it('hashes the version, the salt and every entry, each terminated by NUL', () => {
    expect(gitSha256('node 24', listing(entry('a'), entry('run.sh', '100755')))).toBe(
      sha256(`${START}node 24\x00100644 ${ID} 0\ta\x00100755 ${ID} 0\trun.sh\0`),
    );
  });

  it('has a known value for known inputs', () => {
    expect(gitSha256('', listing(entry('hello.txt')))).toBe(
      'fec5dee0a9d672a9cb981a93c1b62ff674a58707296179d733afc20eb0fa644e',
    );
  });

  it('hashes paths as bytes', () => {
    expect(gitSha256('', listing(entry('\xc3\xa9'), entry('\xff')))).toBe(
      sha256(`${START}\x00100644 ${ID} 0\t\xc3\xa9\x00100644 ${ID} 0\t\xff\0`),
    );
  });

  it('hashes the salt as UTF-8', () => {
    expect(gitSha256('é', listing())).toBe(sha256(`${START}\xc3\xa9\0`));
  });

  it('distinguishes a salt from a path', () => {
    expect(gitSha256('', listing(entry('a')))).not.toBe(gitSha256(entry('a'), listing()));
  });

  it('refuses a salt with a NUL', () => {
    expect(() => gitSha256('a\0b', listing(entry('a')))).toThrow(InputError);
  });
});

describe('md5', () => {
  it('hashes the contents one after another', async () => {
    async function* contents() {
      yield Buffer.from('hel');
      yield Buffer.from('lo');
    }
    expect(await md5(contents())).toBe('5d41402abc4b2a76b9719d911017c592');
  });
});
