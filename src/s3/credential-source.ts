import type { AwsCredentialIdentity } from '@smithy/types';
import { defined, printable } from '../text.ts';
import type { CredentialContext } from './connection.ts';
import { credentialsFrom, findSource, keySource } from './credential-chain.ts';
import { credentialFault } from './credential-services.ts';
import type { RoleSettings } from './settings.ts';
import { assumeRole, assumeRoleWithWebIdentity, fetchOidcToken, hasOidc } from './sts.ts';

// Credentials that the inputs don't give directly: those of the environment, or of a role.

/** @returns a function that fetches the credentials and throws StoreError */
export function credentialSource(context: CredentialContext): () => Promise<AwsCredentialIdentity> {
  const { role } = context.settings;
  return role === undefined ? () => chainCredentials(context) : roleCredentials(context, role);
}

async function chainCredentials(context: CredentialContext): Promise<AwsCredentialIdentity> {
  const source = await findSource(context);
  return credentialsFrom(source, (why) => {
    return `There are no AWS credentials${why}: set aws-access-key-id and aws-secret-access-key, or role-to-assume, or run a step before this one that provides them`;
  });
}

/**
 * As in aws-actions/configure-aws-credentials, the job's OIDC token takes precedence over any credentials on the
 * machine, but not over keys given as inputs.
 */
function roleCredentials(context: CredentialContext, role: RoleSettings): () => Promise<AwsCredentialIdentity> {
  const { settings, log } = context;
  const hasToken = hasOidc() && settings.credentials === undefined && !role.chaining;
  let isLogged = false;
  const logOnce = (by: string): void => {
    if (!isLogged) log.info(`Assuming the role ${printable(role.arn)} with ${by}`);
    isLogged = true;
  };
  return async () => {
    if (hasToken) {
      logOnce("GitHub's OIDC token");
      const token = await fetchOidcToken(context, role.audience);
      return assumed(role, () =>
        assumeRoleWithWebIdentity(context, { ...stsParameters(role), WebIdentityToken: token }),
      );
    }
    const source =
      settings.credentials === undefined
        ? await findSource(context)
        : keySource('the given access key', settings.credentials);
    const credentials = await credentialsFrom(source, (why) => noneFor(role, why));
    logOnce(source.what);
    const params = defined({ ...stsParameters(role), ExternalId: role.externalId });
    return assumed(role, () => assumeRole(context, credentials, params));
  };
}

function stsParameters({ arn, sessionName, durationSeconds }: RoleSettings) {
  return { RoleArn: arn, RoleSessionName: sessionName, DurationSeconds: durationSeconds };
}

function noneFor({ arn, chaining }: RoleSettings, why: string): string {
  return chaining
    ? `There are no AWS credentials to assume the role ${arn} with${why}: set aws-access-key-id and aws-secret-access-key, or leave role-chaining out`
    : `There are neither credentials nor an OIDC token to assume the role ${arn} with${why}: give the job the permission 'id-token: write', or aws-access-key-id and aws-secret-access-key`;
}

async function assumed(
  { arn }: RoleSettings,
  assume: () => Promise<AwsCredentialIdentity>,
): Promise<AwsCredentialIdentity> {
  try {
    return await assume();
  } catch (cause) {
    throw credentialFault(cause, {
      failure: `The role ${arn} can't be assumed`,
      service: 'STS',
      advice: "check role-to-assume and the role's trust policy",
      network: 'check the network, the proxy and AWS_ENDPOINT_URL_STS',
    });
  }
}
