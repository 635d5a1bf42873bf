import type { AwsCredentialIdentity } from '@smithy/types';
import { defined } from '../../core/defined.ts';
import type { GivenCredentials } from './settings.ts';

/** Given credentials, as requests are signed with them. */
export function identity({ accessKeyId, secretAccessKey, sessionToken }: GivenCredentials): AwsCredentialIdentity {
  return defined({ accessKeyId, secretAccessKey, sessionToken });
}
