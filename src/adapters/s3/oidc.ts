import { credentialFault } from './credential-faults.ts';
import type { CredentialContext } from './identity.ts';
import { askService } from './json-service.ts';
import { variable } from './variable.ts';

// GitHub's OIDC token of this job. `@actions/core` fetches it too, but with an HTTP client of 400 KB in the bundle.
// https://docs.github.com/actions/reference/security/oidc

/** Whether the job may ask for a token: it has the permission `id-token: write`. */
export function hasOidc(): boolean {
  return [variable('ACTIONS_ID_TOKEN_REQUEST_URL'), variable('ACTIONS_ID_TOKEN_REQUEST_TOKEN')].every(Boolean);
}

/**
 * @param audience whom the token is for
 * @returns the token, a JWT
 * @throws StoreError
 */
export async function fetchOidcToken(context: CredentialContext, audience: string): Promise<string> {
  const url = new URL(variable('ACTIONS_ID_TOKEN_REQUEST_URL') ?? '');
  url.searchParams.set('audience', audience);
  const headers = { authorization: `Bearer ${variable('ACTIONS_ID_TOKEN_REQUEST_TOKEN')}` };
  try {
    const { value } = await askService(context, async () => ({ url, headers }));
    if (typeof value === 'string') return value;
    throw new Error('the reply has none in it');
  } catch (cause) {
    throw credentialFault(cause, {
      failure: 'GitHub gave no OIDC token',
      service: `its token service ${url.host}`,
      advice: 're-run the job, or give aws-access-key-id and aws-secret-access-key',
    });
  }
}
