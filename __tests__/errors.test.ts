import { describe, expect, it } from '@jest/globals';
import {
  CancelledError,
  describeError,
  InputError,
  RecordLostError,
  SetChangedError,
  StoreError,
  UserError,
} from '../src/errors.ts';

describe('errors for users', () => {
  it.each([
    ['UserError', new UserError('what')],
    ['InputError', new InputError('what')],
    ['StoreError', new StoreError('access-denied', 'what')],
    ['RecordLostError', new RecordLostError('what')],
    ['SetChangedError', new SetChangedError('what')],
    ['CancelledError', new CancelledError('what')],
  ])('are shown with their own message: %s', (name, error) => {
    expect(error).toBeInstanceOf(UserError);
    expect(error.name).toBe(name);
    expect(describeError(error).line).toBe('what');
  });

  it('keep their kind and cause', () => {
    const cause = new Error('socket closed');
    expect(new StoreError('unreachable', 'what', { cause })).toMatchObject({ kind: 'unreachable', cause });
  });
});

describe('describeError', () => {
  it('puts every cause into the details, and none into the line', () => {
    const root = new Error('socket closed');
    const cause = new TypeError('fetch failed', { cause: root });
    const { line, details } = describeError(new UserError('The store is not reachable', { cause }));
    expect(line).toBe('The store is not reachable');
    expect(details).toMatch(
      /^UserError: The store is not reachable\n.*\ncaused by: TypeError: fetch failed\n.*\ncaused by: Error: socket closed\n/s,
    );
    expect(details).toContain('errors.test.ts');
  });

  it('turns an unexpected error into one safe line', () => {
    expect(describeError(new TypeError("can't read\n  '\u001b[31m' \u0085 of ##[add-mask]x")).line).toBe(
      "Unexpected failure: TypeError: can't read '\\u{1b}[31m' \\u{85} of \\u{23}#[add-mask]x (re-run with debug logging for details)",
    );
  });

  it.each<[unknown, string]>([
    ['a text', 'a text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [42, '42'],
    [{ message: 'no error' }, '[object Object]'],
  ])('also describes a thrown value that is not an error: %j', (thrown, shown) => {
    expect(describeError(thrown).line).toBe(`Unexpected failure: ${shown} (re-run with debug logging for details)`);
  });

  it('shows the message of an error without a stack', () => {
    const error = new Error('bare');
    Reflect.deleteProperty(error, 'stack');
    expect(describeError(error).details).toBe('bare');
  });

  it('stops at circular causes', () => {
    const first = new Error('first');
    const second = new Error('second', { cause: first });
    first.cause = second;
    expect(describeError(first).details.match(/caused by/g)).toHaveLength(1);
  });

  it('shows a cause that is not an error in the details', () => {
    expect(describeError(new UserError('what', { cause: 'a text' })).details).toMatch(/\ncaused by: a text$/);
  });
});
