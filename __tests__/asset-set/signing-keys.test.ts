import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { recordKeys } from '../../src/asset-set/signature.ts';
import { InputError } from '../../src/errors.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const OTHERS = { rsa: generateKeyPairSync('rsa', { modulusLength: 1024 }), x25519: generateKeyPairSync('x25519') };

function privatePem(key: KeyObject = privateKey): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

function publicPem(key: KeyObject = publicKey): string {
  return key.export({ format: 'pem', type: 'spki' }).toString();
}

/** The base64 between the label lines. */
function bodyOf(pem: string): string {
  return pem.replaceAll(/-----.*-----|\s/g, '');
}

function idOf(key: KeyObject): string {
  return createHash('sha256')
    .update(Buffer.from(bodyOf(publicPem(key)), 'base64'))
    .digest('hex')
    .slice(0, 16);
}

/** @returns the message of the InputError that refuses the keys */
function refusal(keys: Partial<Parameters<typeof recordKeys>[0]>): string {
  try {
    recordKeys({ signingKey: undefined, verifyKeys: undefined, ...keys });
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return 'not refused';
}

describe('signing-key', () => {
  it.each([
    ['PEM', privatePem()],
    ['PEM with Windows line ends', privatePem().replaceAll('\n', '\r\n')],
    ['PEM on one line, as some secrets end up', privatePem().replaceAll('\n', ' ')],
    ['its base64 alone', bodyOf(privatePem())],
  ])('is accepted as %s, and its public key is trusted', (_, signingKey) => {
    const { signing, trusted } = recordKeys({ signingKey, verifyKeys: undefined });
    expect(signing?.id).toBe(idOf(publicKey));
    expect(signing?.key.equals(privateKey)).toBe(true);
    expect([...trusted.keys()]).toEqual([idOf(publicKey)]);
    expect(trusted.get(idOf(publicKey))?.equals(publicKey)).toBe(true);
  });

  it.each([
    ['the public key', publicPem()],
    ['an RSA key', privatePem(OTHERS.rsa.privateKey)],
    ['an X25519 key', privatePem(OTHERS.x25519.privateKey)],
    ['an encrypted key', privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'p' })],
    ['a cut key', bodyOf(privatePem()).slice(0, -8)],
    ['something else', 'hunter2'],
  ])('is refused, and not shown, if it is %s', (_, given) => {
    const signingKey = given.toString();
    const message = refusal({ signingKey });
    expect(message).toContain('signing-key is not an Ed25519 private key');
    for (const line of signingKey.split('\n').filter((one) => one !== '')) expect(message).not.toContain(line);
  });
});

describe('verify-keys', () => {
  const second = generateKeyPairSync('ed25519').publicKey;

  it.each([
    ['one a line', `${bodyOf(publicPem())}\n${bodyOf(publicPem(second))}`],
    ['on one line, as YAML may fold them', `${bodyOf(publicPem())} ${bodyOf(publicPem(second))}`],
    ['divided by commas', `${bodyOf(publicPem())}, ${bodyOf(publicPem(second))}`],
    ['PEM files one after the other', publicPem() + publicPem(second)],
    ['PEM files with Windows line ends', (publicPem() + publicPem(second)).replaceAll('\n', '\r\n')],
    ['PEM files on one line', (publicPem() + publicPem(second)).replaceAll('\n', ' ')],
  ])('are accepted as %s', (_, verifyKeys) => {
    const { signing, trusted } = recordKeys({ signingKey: undefined, verifyKeys });
    expect(signing).toBeUndefined();
    expect([...trusted.keys()]).toEqual([idOf(publicKey), idOf(second)]);
    expect(trusted.get(idOf(second))?.equals(second)).toBe(true);
  });

  it('are trusted in addition to the public key of signing-key', () => {
    const keys = recordKeys({ signingKey: privatePem(), verifyKeys: bodyOf(publicPem(second)) });
    expect(new Set(keys.trusted.keys())).toEqual(new Set([idOf(publicKey), idOf(second)]));
  });

  it.each([
    ['an RSA key', bodyOf(publicPem(OTHERS.rsa.publicKey))],
    ['an X25519 key', bodyOf(publicPem(OTHERS.x25519.publicKey))],
    ['a comment', '#'],
    ['a key with something after it', `${bodyOf(publicPem())}x`],
    ['a key without its padding', bodyOf(publicPem()).replace('=', '')],
    ['something else', 'hunter2'],
  ])('are refused, with a number instead of the key, if one is %s', (_, text) => {
    const message = refusal({ verifyKeys: `${bodyOf(publicPem())}\n${text}` });
    expect(message).toContain('verify-keys has no Ed25519 public key as number 2');
    expect(message.replace('Ed25519', '')).not.toContain(text);
  });

  it('are refused if one is private, since the log may already show it', () => {
    const message = refusal({ verifyKeys: privatePem() });
    expect(message).toContain('verify-keys has a private key as number 1: make a new pair');
    expect(message).not.toContain(bodyOf(privatePem()));
  });

  it('are refused if there is no key among them', () => {
    expect(refusal({ verifyKeys: '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----' })).toContain(
      'verify-keys has no key',
    );
  });
});
