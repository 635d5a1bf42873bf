import { InputError } from './errors.ts';
import type { Texts } from './input-texts.ts';
import { lines } from './input-values.ts';
import type { InputName } from './inputs.ts';

/**
 * Whose sets count. With keys, those alone that one of them has signed.
 *
 * @param writes whether this run may write a set
 * @throws InputError for keys with which it could not go on from what it wrote itself
 */
export function trustInputs(texts: Texts<InputName>, { writes }: { readonly writes: boolean }) {
  const signingKey = texts.get('signing-key');
  const verifyKeys = texts.parsed('verify-keys', (_, text) => lines(text)) ?? [];
  const legacy = texts.oneOf('legacy', ['trust', 'ignore']);
  if (signingKey === undefined && verifyKeys.length === 0) return { legacy: legacy ?? 'trust', trust: undefined };
  if (legacy === 'trust')
    throw new InputError(
      "legacy is 'trust', but a set without a record is not signed: leave out either it or the keys",
    );
  if (signingKey === undefined && writes)
    throw new InputError(
      "verify-keys is set without signing-key, so that no set which this step stores would count: give signing-key, or, to check or restore, set promote to 'false'",
    );
  return { legacy: 'ignore', trust: { signingKey, verifyKeys } } as const;
}
