import { generateKeyPairSync } from 'node:crypto';
import { type NamedKey, type RecordKeys, recordKeys } from '../../src/asset-set/signature.ts';

/** A new key pair, in the form that openssl writes. */
export function newKeyPair(): { readonly signingKey: string; readonly verifyKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
    publicKeyEncoding: { format: 'pem', type: 'spki' },
  });
  return { signingKey: privateKey, verifyKey: publicKey };
}

/** The keys of a job with a new `signing-key`. */
export function newRecordKeys(): RecordKeys & { readonly signing: NamedKey } {
  const { signing, trusted } = recordKeys({ signingKey: newKeyPair().signingKey, verifyKeys: undefined });
  if (signing === undefined) throw new Error('There is no key');
  return { signing, trusted };
}
