import { describe, expect, it } from '@jest/globals';
import { InputError } from '../../src/errors.ts';
import { type Inputs, parseInputs } from '../../src/inputs/inputs.ts';
import { type InputName, SECRET_INPUTS } from '../../src/inputs/table.ts';

type Texts = Partial<Record<InputName, string>>;

function parse(overrides: Texts = {}): Inputs {
  const texts: Texts = { mode: 'check', bucket: 'my-assets', ...overrides };
  return parseInputs({ input: (name) => texts[name] ?? '', variable: () => undefined });
}

const CODE_HASH = { 'code-hash': 'd'.repeat(64) };

describe('signing-key and verify-keys', () => {
  it('change nothing if they are not given', () => {
    expect(parse()).toMatchObject({ trust: undefined, legacy: 'trust' });
    expect(parse({ legacy: 'ignore' })).toMatchObject({ trust: undefined, legacy: 'ignore' });
  });

  it('are plain texts, which are parsed only on first use', () => {
    expect(parse({ 'signing-key': 'a\nb', 'verify-keys': ' c \n\n d' }).trust).toEqual({
      signingKey: 'a\nb',
      verifyKeys: 'c \n\n d',
    });
  });

  it.each([{ 'signing-key': 'a' }, { 'verify-keys': 'c' }])('make sets without a record not count: %j', (keys) => {
    expect(parse(keys).legacy).toBe('ignore');
    expect(parse({ ...keys, legacy: 'ignore' }).legacy).toBe('ignore');
    expect(() => parse({ ...keys, legacy: 'trust' })).toThrow(InputError);
    expect(() => parse({ ...keys, legacy: 'trust' })).toThrow("legacy is 'trust'");
  });

  it.each([
    { mode: 'upload' },
    { mode: 'check', ...CODE_HASH },
    { mode: 'check', 'code-hash-filter': 'src/**' },
    { mode: 'check', 'fallback-prefixes': 'main' },
    { mode: 'restore', ...CODE_HASH },
  ])('are refused if the sets that %j writes would not count', (texts) => {
    expect(() => parse({ ...texts, 'verify-keys': 'c' })).toThrow(InputError);
    expect(() => parse({ ...texts, 'verify-keys': 'c' })).toThrow('signing-key is not set, but verify-keys is');
    expect(parse({ ...texts, 'verify-keys': 'c', 'signing-key': 'a' }).trust).toBeDefined();
  });

  it.each([
    { mode: 'check' },
    { mode: 'restore' },
    { mode: 'check', ...CODE_HASH, access: 'read' },
    { mode: 'upload', access: 'read' },
    { mode: 'check', ...CODE_HASH, 'dry-run': 'true' },
    { mode: 'upload', 'dry-run': 'true' },
  ])('need no signing-key if %j writes nothing', (texts) => {
    expect(parse({ ...texts, 'verify-keys': 'c' }).trust).toEqual({ signingKey: undefined, verifyKeys: 'c' });
  });

  it('have the private key kept out of the log', () => {
    expect(SECRET_INPUTS).toContain('signing-key');
    expect(SECRET_INPUTS).not.toContain('verify-keys');
  });
});
