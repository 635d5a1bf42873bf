import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { gitSha256, md5, pathOf } from '../../src/core/code-hash.ts';
import { InputError } from '../../src/errors.ts';

const ID = 'ce013625030ba8dba906f756967f9e9ca394464a';
const entry = (path: string, mode = '100644') => `${mode} ${ID} 0\t${path}`;
const sha256 = (bytes: string) => createHash('sha256').update(bytes, 'latin1').digest('hex');
const START = 's3-asset-manager/code-hash/v1\0';

describe('gitSha256', () => {
  it('hashes the version, the salt and every entry, each ended by NUL', () => {
    expect(gitSha256('node 24', [entry('a'), entry('run.sh', '100755')])).toBe(
      sha256(`${START}node 24\x00100644 ${ID} 0\ta\x00100755 ${ID} 0\trun.sh\0`),
    );
  });

  it('gives a known value', () => {
    expect(gitSha256('', [entry('hello.txt')])).toBe(
      'fec5dee0a9d672a9cb981a93c1b62ff674a58707296179d733afc20eb0fa644e',
    );
  });

  it('does not depend on the order of the entries', () => {
    const entries = ['b', 'a.b', 'a/b', 'a', 'a-b', '\xff', '\xc3\xa9'].map((path) => entry(path));
    const inOrder = ['a', 'a-b', 'a.b', 'a/b', 'b', '\xc3\xa9', '\xff'].map((path) => entry(path));
    expect(gitSha256('', entries)).toBe(sha256(`${START}\0${inOrder.map((each) => `${each}\0`).join('')}`));
  });

  it('leaves the entries it was given in their order', () => {
    const entries = [entry('b'), entry('a')];
    gitSha256('', entries);
    expect(entries.map(pathOf)).toEqual(['b', 'a']);
  });

  it('hashes the salt as UTF-8', () => {
    expect(gitSha256('é', [])).toBe(sha256(`${START}\xc3\xa9\0`));
  });

  it('tells a salt from a path', () => {
    expect(gitSha256('', [entry('a')])).not.toBe(gitSha256(entry('a'), []));
  });

  it('refuses a salt with a NUL', () => {
    expect(() => gitSha256('a\0b', [entry('a')])).toThrow(InputError);
  });
});

describe('pathOf', () => {
  it('takes everything after the first tab', () => expect(pathOf(entry('a\tb'))).toBe('a\tb'));
});

describe('md5', () => {
  it('hashes the contents one after the other', async () => {
    async function* contents() {
      yield Buffer.from('hel');
      yield Buffer.from('lo');
    }
    expect(await md5(contents())).toBe('5d41402abc4b2a76b9719d911017c592');
  });
});
