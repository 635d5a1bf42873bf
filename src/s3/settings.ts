import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ObjectCannedACL, ServerSideEncryption, StorageClass } from '@aws-sdk/client-s3';
import { InputError, StoreError } from '../errors.ts';
import { printable } from '../text.ts';

/** An environment variable, trimmed, since secrets are often pasted with a line end. An empty one counts as not set. */
export function variable(name: string): string | undefined {
  return process.env[name]?.trim() || undefined;
}

/** Long-lived or temporary keys, given as inputs or variables. */
export interface GivenCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

/**
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html
 *
 * @returns the keys in the environment, if any
 * @throws StoreError if half of them is set
 */
export function environmentKeys(): GivenCredentials | undefined {
  const accessKeyId = variable('AWS_ACCESS_KEY_ID');
  const secretAccessKey = variable('AWS_SECRET_ACCESS_KEY');
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined) throw halfSet('AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID');
  if (secretAccessKey === undefined) throw halfSet('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY');
  return { accessKeyId, secretAccessKey, sessionToken: variable('AWS_SESSION_TOKEN') };
}

/** The error for two variables of which only one is set. */
export function halfSet(set: string, unset: string): StoreError {
  return new StoreError('credentials', `The variable ${set} is set, but ${unset} is not: set both, or neither`);
}

/** A role to assume before the bucket is accessed. */
export interface RoleSettings {
  readonly arn: string;
  readonly sessionName: string;
  readonly durationSeconds: number;
  readonly externalId: string | undefined;
  /** Of GitHub's OIDC token. */
  readonly audience: string;
  /** Assumes the role with the credentials at hand, even if the job could get a token. */
  readonly chaining?: boolean;
}

/** Where and how the bucket is reached. */
export interface StoreSettings {
  readonly bucket: string;
  /** Undefined: the bucket is asked for it. */
  readonly region: string | undefined;
  /** Undefined: AWS. */
  readonly endpointUrl: string | undefined;
  /** Undefined: true if there is an endpoint. */
  readonly forcePathStyle: boolean | undefined;
  /** Whether AWS's FIPS endpoints are used. */
  readonly fips?: boolean | undefined;
  readonly dualstack?: boolean | undefined;
  /** Endpoints in variables and the profile are ignored, for STS too; only the input counts. */
  readonly ignoresConfiguredEndpoints?: boolean | undefined;
  /** Undefined: those of the environment, a profile, the container or the machine. */
  readonly credentials: GivenCredentials | undefined;
  readonly role: RoleSettings | undefined;
  readonly expectedBucketOwner: string | undefined;
  /** Charges requests to this account, not to the bucket's owner. */
  readonly requesterPays?: boolean;
  readonly maxAttempts: number;
  readonly partSizeBytes: number;
  readonly storageClass: StorageClass | undefined;
  readonly serverSideEncryption: ServerSideEncryption | undefined;
  readonly sseKmsKeyId: string | undefined;
  readonly acl: ObjectCannedACL | undefined;
  /** `key=value&key=value`, percent-encoded. */
  readonly tagging: string | undefined;
}

// AWS's shared config and credentials files. https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html

/** The settings of a profile; nested ones as `s3.addressing_style`. */
export type Profile = Readonly<Record<string, string | undefined>>;

interface SharedProfile {
  readonly name: string;
  /** Whether `AWS_PROFILE` names it. */
  readonly isNamed: boolean;
  /** Undefined if there is no such profile. */
  readonly settings: Profile | undefined;
  /** Other sections, as `services.name`. */
  readonly sections: Readonly<Record<string, Profile | undefined>>;
}

/** Reads the profile that `AWS_PROFILE` names, or the default one. */
export async function sharedProfile(): Promise<SharedProfile> {
  const named = variable('AWS_PROFILE');
  const name = named ?? 'default';
  const { configFile, credentialsFile } = await readSharedFiles();
  const isThere = configFile[name] !== undefined || credentialsFile[name] !== undefined;
  return {
    name,
    isNamed: named !== undefined,
    settings: isThere ? { ...credentialsFile[name], ...configFile[name] } : undefined,
    sections: configFile,
  };
}

type SharedFiles = Readonly<Record<'configFile' | 'credentialsFile', Readonly<Record<string, Profile>>>>;

/** Loads the SDK's reader only if one of the files exists. */
async function readSharedFiles(): Promise<SharedFiles> {
  const files = ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'].map(variable);
  const home = process.env.HOME || homedir();
  const isThere = files.some(Boolean) || ['config', 'credentials'].some((name) => existsSync(join(home, '.aws', name)));
  if (!isThere) return { configFile: {}, credentialsFile: {} };
  const { loadSharedConfigFiles } = await import('@smithy/core/config');
  return loadSharedConfigFiles();
}

/**
 * Takes settings that neither inputs nor variables give from the profile.
 *
 * @throws InputError for a setting that can't be used
 */
export async function withSharedConfig(settings: StoreSettings): Promise<StoreSettings> {
  const { settings: profile, sections } = await sharedProfile();
  if (profile === undefined) return settings;
  const ignoresConfiguredEndpoints =
    settings.ignoresConfiguredEndpoints ?? switchOf(profile.ignore_configured_endpoint_urls);
  const isEndpointWanted = settings.endpointUrl === undefined && !ignoresConfiguredEndpoints;
  return {
    ...settings,
    region: settings.region ?? checked('region', profile.region, /^[a-z0-9-]+$/),
    endpointUrl: isEndpointWanted ? configuredEndpoint(profile, sections) : settings.endpointUrl,
    forcePathStyle: settings.forcePathStyle ?? pathStyle(profile['s3.addressing_style']),
    fips: settings.fips ?? switchOf(profile.use_fips_endpoint),
    dualstack: settings.dualstack ?? switchOf(profile.use_dualstack_endpoint),
    ignoresConfiguredEndpoints,
  };
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html */
function configuredEndpoint(profile: Profile, sections: SharedProfile['sections']): string | undefined {
  const services = sections[`services.${profile.services}`];
  if (profile.services === undefined || services !== undefined)
    return checked(
      'endpoint_url',
      services?.['s3.endpoint_url'] ?? profile.endpoint_url,
      /^https?:\/\/[^\s/@?#]+[^\s@?#]*$/,
    );
  throw new InputError(
    `AWS's shared config file has no section [services ${printable(profile.services)}], which the profile names: add it, or set endpoint-url`,
  );
}

function checked(name: string, text: string | undefined, form: RegExp): string | undefined {
  if (text === undefined || form.test(text)) return text;
  // A URL may contain a password.
  const shown = printable(text.replace(/\/\/.*@/, '//***@'));
  throw new InputError(
    `The profile has ${name} = '${shown}' in AWS's shared config files: correct it, or set the input`,
  );
}

function switchOf(text: string | undefined): boolean | undefined {
  return text === undefined ? undefined : text.toLowerCase() === 'true';
}

/** `auto` is the default. */
function pathStyle(style: string | undefined): boolean | undefined {
  return style === 'path' ? true : style === 'virtual' ? false : undefined;
}
