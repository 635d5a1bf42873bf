import { InputError } from './errors.ts';
import type { Texts } from './input-texts.ts';
import type { InputName } from './inputs.ts';

/**
 * Whose sets count.
 *
 * @param writes whether this run may write a set
 * @returns the keys that sets have to be signed with, undefined where there are none, and whether sets without a record count
 * @throws InputError for keys with which this run's own sets would not count
 */
export function trustInputs(texts: Texts<InputName>, { writes }: { readonly writes: boolean }) {
  const signingKey = texts.get('signing-key');
  const verifyKeys = texts.get('verify-keys');
  const legacy = texts.oneOf('legacy', ['trust', 'ignore']);
  if (signingKey === undefined && verifyKeys === undefined) return { legacy: legacy ?? 'trust', trust: undefined };
  if (legacy === 'trust')
    throw new InputError(
      "legacy is 'trust', but a set without a record is not signed: leave out either it or the keys",
    );
  if (signingKey === undefined && writes)
    throw new InputError(
      "signing-key is not set, but verify-keys is: no set that this step stores would count. Make sure that the job can read the secret; without it, check and restore need promote to be 'false'",
    );
  return { legacy: 'ignore', trust: { signingKey, verifyKeys } } as const;
}
