import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { printable } from '../../core/printable.ts';
import { InputError } from '../../errors.ts';
import type { StoreSettings } from './settings.ts';
import { variable } from './variable.ts';

// AWS's shared config and credentials files. https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html

/** The settings of a profile; nested ones as `s3.addressing_style`. */
export type Profile = Readonly<Record<string, string | undefined>>;

export interface SharedProfile {
  readonly name: string;
  /** By `AWS_PROFILE`. */
  readonly isNamed: boolean;
  /** Undefined: there is no such profile. */
  readonly settings: Profile | undefined;
  /** Other sections, as `services.name`. */
  readonly sections: Readonly<Record<string, Profile | undefined>>;
}

/** The profile that `AWS_PROFILE` names, or the default one. */
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

/** What reads them is loaded only where there is one. */
async function readSharedFiles(): Promise<SharedFiles> {
  const files = ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'].map(variable);
  const home = process.env.HOME || homedir();
  const isThere = files.some(Boolean) || ['config', 'credentials'].some((name) => existsSync(join(home, '.aws', name)));
  if (!isThere) return { configFile: {}, credentialsFile: {} };
  const { loadSharedConfigFiles } = await import('@smithy/core/config');
  return loadSharedConfigFiles();
}

/**
 * Completes what inputs and variables say by the profile.
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
    `There is no section [services ${printable(profile.services)}] in AWS's shared config file, which the profile names: add it, or set endpoint-url`,
  );
}

function checked(name: string, text: string | undefined, form: RegExp): string | undefined {
  if (text === undefined || form.test(text)) return text;
  // A URL may have a password in it.
  const shown = printable(text.replace(/\/\/.*@/, '//***@'));
  throw new InputError(
    `The profile has ${name} = '${shown}' in AWS's shared config files: correct it, or set the input`,
  );
}

function switchOf(text: string | undefined): boolean | undefined {
  return text === undefined ? undefined : text.toLowerCase() === 'true';
}

/** `auto` is what holds without it. */
function pathStyle(style: string | undefined): boolean | undefined {
  return style === 'path' ? true : style === 'virtual' ? false : undefined;
}
