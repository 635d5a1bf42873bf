import { exec } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { fromIni, fromInstanceMetadata } from '@aws-sdk/credential-providers';
import type { AwsCredentialIdentity } from '@smithy/types';
import { StoreError, UserError } from '../errors.ts';
import { defined, isError, isObject, parsedJson, printable } from '../text.ts';
import type { CredentialContext } from './connection.ts';
import { containerCredentials, containerUrl, credentialFault, identityIn } from './credential-services.ts';
import { faultOf } from './faults.ts';
import { environmentKeys, type GivenCredentials, halfSet, type Profile, sharedProfile, variable } from './settings.ts';
import { assumeRole, assumeRoleWithWebIdentity, clientConfig } from './sts.ts';

// Where credentials are looked for if no input gives any. The first configured source is used. If it fails, its error
// is reported: trying the next source would end in a misleading "no credentials". Order and sources are the AWS SDK's,
// except that keys in the environment take precedence over AWS_PROFILE, as in AWS's other tools.

export interface CredentialSource {
  /** For messages: `the profile 'ci'`. */
  readonly what: string;
  /** The service that is asked, for messages. */
  readonly service: string;
  readonly advice: string;
  readonly fetch: () => Promise<AwsCredentialIdentity>;
  /** Nothing is configured, but the machine itself may have credentials. */
  readonly isLastResort?: true;
}

/** @throws StoreError if the configuration can't be used */
export async function findSource(context: CredentialContext): Promise<CredentialSource> {
  const keys = environmentKeys();
  return (
    (keys && keySource('AWS_ACCESS_KEY_ID', keys)) ??
    (await profileSource(context)) ??
    webIdentitySource(context) ??
    containerSource(context) ??
    INSTANCE
  );
}

/** @param what for messages: which keys these are */
export function keySource(what: string, keys: GivenCredentials): CredentialSource {
  return { what, service: '', advice: '', fetch: async () => defined(keys) };
}

/**
 * @param missing the message if nothing is configured and the machine has no credentials either
 * @throws StoreError
 */
export async function credentialsFrom(
  source: CredentialSource,
  missing: (why: string) => string,
): Promise<AwsCredentialIdentity> {
  try {
    return await source.fetch();
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    if (source.isLastResort) throw new StoreError('credentials', missing(metadataAnswer(cause)), { cause });
    throw credentialFault(cause, { ...source, failure: `The AWS credentials of ${source.what} can't be fetched` });
  }
}

/** Settings that give a profile credentials. */
const CREDENTIAL_SETTINGS =
  /^(aws_access_key_id|role_arn|credential_source|web_identity_token_file|credential_process|login_session|sso_.+)$/;

async function profileSource(context: CredentialContext): Promise<CredentialSource | undefined> {
  const { name, isNamed, settings: profile, sections } = await sharedProfile();
  const what = `the profile '${printable(name)}'`;
  if (profile === undefined) {
    if (!isNamed) return undefined;
    throw new StoreError(
      'credentials',
      `There is no profile '${printable(name)}' in the shared config and credentials files: check AWS_PROFILE, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE`,
    );
  }
  if (!Object.keys(profile).some((setting) => CREDENTIAL_SETTINGS.test(setting))) return undefined;
  const session = profile.sso_session;
  if (session !== undefined && sections[`sso-session.${session}`] === undefined)
    throw new StoreError(
      'credentials',
      `There is no section [sso-session ${printable(session)}], which ${what} names: add it to the shared config file`,
    );
  return {
    what,
    service: 'the service that issues them',
    advice: "check the profile in AWS's shared config and credentials files",
    fetch: () => (isProcess(profile) ? processCredentials(name, profile.credential_process) : byProfile(context, name)),
  };
}

/** The SDK prefers a role or keys over a `credential_process` in the same profile. */
function isProcess(profile: Profile): profile is Profile & { readonly credential_process: string } {
  const preferred = profile.role_arn ?? profile.aws_access_key_id;
  return preferred === undefined && profile.credential_process !== undefined;
}

async function byProfile(context: CredentialContext, profile: string): Promise<AwsCredentialIdentity> {
  return fromIni({
    profile,
    clientConfig: await clientConfig(context),
    roleAssumer: (source, params) => assumeRole(context, source, params),
    roleAssumerWithWebIdentity: (params) => assumeRoleWithWebIdentity(context, params),
  })();
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html */
function webIdentitySource(context: CredentialContext): CredentialSource | undefined {
  const file = variable('AWS_WEB_IDENTITY_TOKEN_FILE');
  if (file === undefined) return undefined;
  const roleArn = variable('AWS_ROLE_ARN');
  if (roleArn === undefined) throw halfSet('AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN');
  return {
    what: `the role ${printable(roleArn)} (AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE)`,
    service: 'STS',
    advice: "check the token file and the role's trust policy",
    fetch: async () =>
      assumeRoleWithWebIdentity(context, {
        RoleArn: roleArn,
        RoleSessionName: variable('AWS_ROLE_SESSION_NAME') ?? 's3-asset-manager',
        WebIdentityToken: (await readFile(file, 'utf8')).trim(),
      }),
  };
}

function containerSource(context: CredentialContext): CredentialSource | undefined {
  const url = containerUrl();
  return (
    url && {
      what: `the container (${printable(url.host)})`,
      service: printable(url.host),
      advice: 'check the role of the task or the pod',
      fetch: () => containerCredentials(context, url),
    }
  );
}

const INSTANCE: CredentialSource = {
  what: "the machine's role",
  service: 'the instance metadata service',
  advice: '',
  isLastResort: true,
  fetch: () => {
    if ((variable('AWS_EC2_METADATA_DISABLED') ?? 'false').toLowerCase() !== 'false')
      throw new Error('AWS_EC2_METADATA_DISABLED is set');
    // By default it prints warnings to the console.
    return fromInstanceMetadata({ logger: { debug() {}, info() {}, warn() {}, error() {} } })();
  },
};

/** Machines of other clouds have a metadata service too, which answers differently. */
function metadataAnswer(cause: unknown): string {
  if (isError(cause) && 'statusCode' in cause)
    return ` (the instance metadata service answered ${printable(String(cause.statusCode))})`;
  return faultOf(cause).isForeign ? ' (the instance metadata service answered with something that is not JSON)' : '';
}

/**
 * Runs the `credential_process` of a profile. The SDK's own provider relies on this machine's clock: if that is fast,
 * it refuses fresh credentials. https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
 *
 * @param command a shell command
 * @throws StoreError with the last line that the process wrote
 */
async function processCredentials(profile: string, command: string): Promise<AwsCredentialIdentity> {
  const failed = (why: string, cause?: unknown): StoreError =>
    new StoreError(
      'credentials',
      `The credential_process of the profile '${printable(profile)}' failed (${why}): run it by hand on the runner`,
      { cause },
    );
  const { stdout } = await promisify(exec)(command).catch((cause: unknown) => {
    throw failed(exitOf(cause), cause);
  });
  // The output may contain a secret, so it is not shown.
  const fields = parsedJson(stdout);
  const identity = isObject(fields) && fields.Version === 1 ? identityIn(fields) : undefined;
  if (identity === undefined) throw failed('it printed no credentials in the format of version 1');
  return identity;
}

function exitOf(cause: unknown): string {
  const { code, stderr } = Object(cause);
  const lines = String(stderr ?? '')
    .trim()
    .split(/\n\s*/);
  const lastLine = lines.at(-1) ?? '';
  return `exit code ${printable(String(code))}${lastLine === '' ? '' : `: ${printable(lastLine)}`}`;
}
