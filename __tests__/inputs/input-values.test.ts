import { describe, expect, it } from '@jest/globals';
import { InputError } from '../../src/errors.ts';
import {
  choice,
  endpointUrl,
  flag,
  keyPrefix,
  lines,
  localPath,
  matching,
  pairs,
  patterns,
  refused,
  wholeNumber,
} from '../../src/inputs/values.ts';

describe('refused', () => {
  it('makes one line of the name, the value and the advice', () => {
    const error = refused('prefix', 'a\nb\u001b[31m', 'give another');
    expect(error).toBeInstanceOf(InputError);
    expect(error.message).toBe("prefix is 'a\\u{a}b\\u{1b}[31m': give another");
  });
});

describe('flag', () => {
  it('accepts true and false', () => {
    expect([flag('overwrite', 'true'), flag('overwrite', 'false')]).toEqual([true, false]);
  });

  it.each(['ture', 'True', 'TRUE', 'yes', 'no', '1', '0', 'on', 'true '])('refuses %j', (text) => {
    expect(() => flag('overwrite', text)).toThrow(new InputError(`overwrite is '${text}': give 'true' or 'false'`));
  });
});

describe('wholeNumber', () => {
  it.each([
    ['5', 5],
    ['10', 10],
    ['007', 7],
  ])('accepts %j', (text, value) => {
    expect(wholeNumber(5, 10)('concurrency', text)).toBe(value);
  });

  it.each(['4', '11', '-7', '+7', '7.0', '7e0', '0x7', '7 ', '', 'many', '٧', '9'.repeat(400)])(
    'refuses %j',
    (text) => {
      expect(() => wholeNumber(5, 10)('concurrency', text)).toThrow(
        new InputError(`concurrency is '${text}': give a whole number from 5 to 10`),
      );
    },
  );
});

describe('choice', () => {
  it('accepts one of the words', () => {
    expect(choice('trust', 'ignore')('legacy', 'ignore')).toBe('ignore');
  });

  it.each(['Trust', 'trusted', '', 'constructor'])('refuses %j and lists the choices', (text) => {
    expect(() => choice('trust', 'ignore')('legacy', text)).toThrow(
      new InputError(`legacy is '${text}': give one of trust, ignore`),
    );
  });
});

describe('matching', () => {
  it('accepts a matching text, and refuses any other with the advice', () => {
    const digits = matching(/^\d+$/, 'give digits');
    expect(digits('owner', '12')).toBe('12');
    expect(() => digits('owner', 'x')).toThrow(new InputError("owner is 'x': give digits"));
  });
});

describe('lines', () => {
  it.each([
    ['a', ['a']],
    ['a\nb', ['a', 'b']],
    ['a\r\nb\r\n', ['a', 'b']],
    ['\n  a b  \n\n\t\n b', ['a b', 'b']],
    ['', []],
  ])('reads one item per line: %j', (text, items) => {
    expect(lines(text)).toEqual(items);
  });
});

describe('patterns', () => {
  it.each([
    ['src/**', ['src/**']],
    ['src/**  lib/** !src/*.md', ['src/**', 'lib/**', '!src/*.md']],
    ['\n src/** lib/** \n', ['src/**', 'lib/**']],
    ['src/** lib/**\r\n\t!docs/**\tx', ['src/**', 'lib/**', '!docs/**', 'x']],
  ])('are separated by any white space: %j', (text, items) => {
    expect(patterns(text)).toEqual(items);
  });
});

describe('pairs', () => {
  it.each<[string, [string, string][]]>([
    ['team=a', [['team', 'a']]],
    [
      'team = a b \nstage=\n',
      [
        ['team', 'a b'],
        ['stage', ''],
      ],
    ],
    ['query=a=b', [['query', 'a=b']]],
    ['team=a\nteam=b', [['team', 'b']]],
    ['__proto__=a', [['__proto__', 'a']]],
  ])('reads one name=value per line: %j', (text, expected) => {
    expect([...pairs('tags', text)]).toEqual(expected);
  });

  it.each(['team', '=a', 'team: a'])('refuses %j', (text) => {
    expect(() => pairs('tags', `stage=b\n${text}`)).toThrow(
      new InputError(`tags is '${text}': give one 'name=value' a line`),
    );
  });
});

describe('localPath', () => {
  const homeAt = (home: string) => (name: string) => (name === 'HOME' ? home : undefined);
  const atHome = (text: string) => localPath('package-directory', text, homeAt('/home/runner'));

  it.each([
    ['~', '/home/runner/'],
    ['~/', '/home/runner/'],
    ['~/build/out', '/home/runner/build/out'],
  ])('expands %j', (text, path) => {
    expect(atHome(text)).toBe(path);
  });

  it('handles a home directory that is the root', () => {
    expect(['~', '~/x'].map((text) => localPath('repository-path', text, homeAt('/')))).toEqual(['/', '/x']);
  });

  it.each(['.', './packages', '/tmp/x', './~/x', 'a~', 'x/~/y', 'C:\\build~1'])('does not change %j', (text) => {
    expect(atHome(text)).toBe(text);
  });

  it.each(['~root/x', '~x', '~+'])('refuses %j, which means something else to a shell', (text) => {
    expect(() => atHome(text)).toThrow(
      new InputError(`package-directory is '${text}': give the full path, or './~...' for a name with a '~'`),
    );
  });

  it('refuses to guess the home directory', () => {
    expect(() => localPath('repository-path', '~/repo', () => undefined)).toThrow(
      new InputError("repository-path is '~/repo': give the full path, since HOME is not set"),
    );
  });
});

describe('keyPrefix', () => {
  it.each([
    ['team', 'team'],
    ['team/app', 'team/app'],
    ['team/app/', 'team/app'],
    ['.team/..app/a.b', '.team/..app/a.b'],
    ['Größe/a b', 'Größe/a b'],
  ])('accepts %j', (text, prefix) => {
    expect(keyPrefix('prefix', text)).toBe(prefix);
  });

  it.each(['/', '/team', 'team//', 'team//app', '.', './team', 'team/./app', '..', '../team', 'team/..', 'a\\b'])(
    'refuses %j',
    (text) => {
      expect(() => keyPrefix('prefix', text)).toThrow(
        new InputError(
          `prefix is '${text}': give segments divided by '/', none of them empty, '.' or '..', and no leading '/'`,
        ),
      );
    },
  );

  it.each([
    ['artifacts', 'artifacts'],
    ['rel/artifacts/0123', 'artifacts'],
    ['cache', 'cache'],
    ['team/records/', 'records'],
  ])('refuses a prefix inside sets or records: %j', (text, folder) => {
    expect(() => keyPrefix('prefix', text)).toThrow(
      new InputError(
        `prefix is '${text}': this action keeps its own objects under '${folder}', so give that segment another name`,
      ),
    );
  });

  it.each(['artifacts2', 'my-cache', 'Records'])('accepts a name that only contains one of theirs: %j', (text) => {
    expect(keyPrefix('prefix', text)).toBe(text);
  });

  it.each(['a\nb', 'a\0b', 'a\u0085b'])('refuses a control character: %j', (text) => {
    expect(() => keyPrefix('prefix', text)).toThrow(InputError);
  });
});

describe('endpointUrl', () => {
  it.each([
    'https://s3.example.com',
    'http://127.0.0.1:9000',
    'http://[::1]:9000/',
    'https://project.example.com/storage/v1/s3',
  ])('accepts %j unchanged', (text) => {
    expect(endpointUrl('endpoint-url', text)).toBe(text);
  });

  it.each([
    's3.example.com',
    'localhost:9000',
    '//s3.example.com',
    'ftp://s3.example.com',
    's3://bucket',
    'https://',
    'https://s3.example.com:port',
    'https://s3.example.com?x=1',
    'https://s3.example.com#x',
  ])('refuses %j', (text) => {
    expect(() => endpointUrl('endpoint-url', text)).toThrow(
      new InputError(`endpoint-url is '${text}': give a URL such as 'https://s3.example.com'`),
    );
  });

  it.each([
    ['https://key:secret@s3.example.com', 'https://***@s3.example.com'],
    ['https://secret@s3.example.com', 'https://***@s3.example.com'],
    ['https://key:sec@ret/@s3.example.com', 'https://***@s3.example.com'],
    ['key:secret@s3.example.com', '***@s3.example.com'],
  ])('refuses credentials without showing them: %j', (text, shown) => {
    expect(() => endpointUrl('endpoint-url', text)).toThrow(
      new InputError(`endpoint-url is '${shown}': give a URL such as 'https://s3.example.com'`),
    );
  });
});
