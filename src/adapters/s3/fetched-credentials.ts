import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types';
import { defined } from '../../core/defined.ts';
import { printable } from '../../core/printable.ts';
import { StoreError } from '../../errors.ts';
import { identity } from './identity.ts';
import { fetchOidcToken, hasOidc } from './oidc.ts';
import { isUnreachable } from './retry-strategy.ts';
import { SdkRequestHandler } from './sdk-request-handler.ts';
import type { RoleSettings, StoreSettings } from './settings.ts';
import { Transport } from './transport.ts';

// Credentials that have to be asked for, by the SDK's providers.

/** Variables that say where the default chain finds credentials without asking the machine's metadata service. */
const CHAIN_VARIABLES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_PROFILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
] as const;

/** The account's default STS region, for a bucket whose own region is not known yet. */
const DEFAULT_REGION = 'us-east-1';

/** @throws StoreError of kind `credentials` where the default chain finds none */
export async function chainCredentials(): Promise<AwsCredentialIdentity> {
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  return fromNodeProviderChain()().catch((cause: unknown) => {
    throw new StoreError(
      'credentials',
      'There are no AWS credentials: set aws-access-key-id and aws-secret-access-key, or role-to-assume, or run a step before this one that provides them',
      { cause },
    );
  });
}

/** @throws StoreError of kind `credentials` or `unreachable` */
export async function roleCredentials(role: RoleSettings, settings: StoreSettings): Promise<AwsCredentialIdentity> {
  const { credentials, region } = settings;
  const isAtHand = credentials !== undefined || CHAIN_VARIABLES.some((name) => process.env[name]);
  const provider = !isAtHand && hasOidc() ? byOidcToken(role, region) : byCredentials(role, settings);
  try {
    return await provider();
  } catch (cause) {
    throw cause instanceof StoreError ? cause : roleFault(role, cause);
  }
}

function roleFault({ arn }: RoleSettings, cause: unknown): StoreError {
  if (Error.isError(cause) && cause.name === 'CredentialsProviderError')
    return new StoreError(
      'credentials',
      `There are neither credentials nor an OIDC token to assume the role ${arn} with (${printable(cause.message)}): give the job the permission 'id-token: write', or aws-access-key-id and aws-secret-access-key`,
      { cause },
    );
  const why = printable(Error.isError(cause) ? `${cause.name}: ${cause.message}` : String(cause));
  return isUnreachable(cause)
    ? new StoreError(
        'unreachable',
        `The role ${arn} can't be assumed, since STS can't be reached (${why}): check the network, the proxy and AWS_ENDPOINT_URL_STS`,
        { cause },
      )
    : new StoreError(
        'credentials',
        `The role ${arn} can't be assumed (${why}): check role-to-assume and the role's trust policy`,
        { cause },
      );
}

function byCredentials(role: RoleSettings, { credentials, region }: StoreSettings): AwsCredentialIdentityProvider {
  return async () => {
    const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
    const params = {
      RoleArn: role.arn,
      RoleSessionName: role.sessionName,
      DurationSeconds: role.durationSeconds,
      ...defined({ ExternalId: role.externalId }),
    };
    const masterCredentials = credentials === undefined ? undefined : identity(credentials);
    return fromTemporaryCredentials({ params, clientConfig: stsConfig(region), ...defined({ masterCredentials }) })();
  };
}

function byOidcToken(role: RoleSettings, region: string | undefined): AwsCredentialIdentityProvider {
  return async () => {
    const { fromWebToken } = await import('@aws-sdk/credential-providers');
    return fromWebToken({
      roleArn: role.arn,
      roleSessionName: role.sessionName,
      durationSeconds: role.durationSeconds,
      webIdentityToken: await fetchOidcToken(role.audience),
      clientConfig: stsConfig(region),
    })();
  };
}

function stsConfig(region: string | undefined) {
  return { region: region ?? DEFAULT_REGION, requestHandler: new SdkRequestHandler(new Transport()) };
}
