import { fromTemporaryCredentials, fromWebToken } from '@aws-sdk/credential-providers';
import type { AwsCredentialIdentity } from '@smithy/types';
import { defined, isText } from '../text.ts';
import type { CredentialContext } from './connection.ts';
import { askService, credentialFault, ServiceError } from './credential-services.ts';
import { type StoreSettings, variable } from './settings.ts';
import { sdkRequestHandler } from './transport.ts';

// Assumes roles for the input, for profiles and for the environment.

/** In the partition `aws`, for a bucket whose region is not known yet. */
const DEFAULT_REGION = 'us-east-1';

/** Makes the SDK's clients for credentials use our own transport and retries. */
export async function clientConfig({ settings, transport, retries }: CredentialContext) {
  return {
    requestHandler: sdkRequestHandler(async (request, options) => {
      const reply = await transport.exchange(request, options);
      // The SDK would take a gateway's page for an empty answer or a refusal without a reason.
      if (/^text\/html\b/i.test(reply.headers['content-type'] ?? '')) throw new ServiceError(reply);
      return reply;
    }),
    retryStrategy: await retries(),
    systemClockOffset: transport.clockOffsetMs,
    useFipsEndpoint: settings.fips ?? false,
    useDualstackEndpoint: settings.dualstack ?? false,
    ignoreConfiguredEndpointUrls: settings.ignoresConfiguredEndpoints ?? false,
  };
}

function regionOf({ region }: StoreSettings): string {
  return region ?? DEFAULT_REGION;
}

type RoleParameters = Parameters<typeof fromTemporaryCredentials>[0]['params'];

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html @throws the SDK's error */
export async function assumeRole(
  context: CredentialContext,
  masterCredentials: AwsCredentialIdentity,
  params: RoleParameters,
): Promise<AwsCredentialIdentity> {
  const config = { ...(await clientConfig(context)), region: regionOf(context.settings) };
  return fromTemporaryCredentials({ params, masterCredentials, clientConfig: config })();
}

interface WebIdentityParameters {
  readonly RoleArn: string | undefined;
  readonly RoleSessionName: string | undefined;
  /** A JWT. */
  readonly WebIdentityToken: string | undefined;
  readonly DurationSeconds?: number | undefined;
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html @throws the SDK's error */
export async function assumeRoleWithWebIdentity(
  context: CredentialContext,
  {
    RoleArn: roleArn = '',
    RoleSessionName,
    WebIdentityToken: webIdentityToken = '',
    DurationSeconds,
  }: WebIdentityParameters,
): Promise<AwsCredentialIdentity> {
  return fromWebToken({
    roleArn,
    webIdentityToken,
    ...defined({ roleSessionName: RoleSessionName, durationSeconds: DurationSeconds }),
    clientConfig: { ...(await clientConfig(context)), region: regionOf(context.settings) },
  })();
}

// The job's OIDC token from GitHub. `@actions/core` fetches it too, but its HTTP client adds 400 KB to the bundle.
// https://docs.github.com/actions/reference/security/oidc

/** Whether the job can get a token, that is, has the permission `id-token: write`. */
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
    if (isText(value)) return value;
    throw new Error('the reply contains no token');
  } catch (cause) {
    throw credentialFault(cause, {
      failure: 'GitHub issued no OIDC token',
      service: `its token service ${url.host}`,
      advice: 're-run the job, or give aws-access-key-id and aws-secret-access-key',
    });
  }
}
