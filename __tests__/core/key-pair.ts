import { generateKeyPairSync } from 'node:crypto';
import { type NamedKey, type RecordKeys, recordKeys } from '../../src/core/signing-keys.ts';

/** The keys of a job with a `signing-key` that nobody else has. */
export function newRecordKeys(): RecordKeys & { readonly signing: NamedKey } {
  const { privateKey } = generateKeyPairSync('ed25519');
  const signingKey = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const { signing, trusted } = recordKeys({ signingKey, verifyKeys: undefined });
  if (signing === undefined) throw new Error('There is no key');
  return { signing, trusted };
}
