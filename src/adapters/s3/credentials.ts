import type { AwsCredentialIdentity } from '@smithy/types';
import { identity } from './identity.ts';
import type { StoreSettings } from './settings.ts';

/**
 * Finds the credentials that requests are signed with: those of a role, else the given ones, else what the SDK's
 * default chain finds.
 *
 * @throws StoreError of kind `credentials`
 */
export async function credentialsOf(settings: StoreSettings): Promise<AwsCredentialIdentity> {
  const { role, credentials } = settings;
  if (role === undefined && credentials !== undefined) return identity(credentials);
  const { chainCredentials, roleCredentials } = await import('./fetched-credentials.ts');
  return role === undefined ? chainCredentials() : roleCredentials(role, settings);
}
