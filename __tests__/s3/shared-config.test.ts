import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { serverUrl } from '../../src/s3/endpoint.ts';
import { type StoreSettings, withSharedConfig } from '../../src/s3/settings.ts';
import { useEnvironment } from './environment.ts';
import { settingsFor } from './stores.ts';

const UNKNOWN: Partial<StoreSettings> = { region: undefined, forcePathStyle: undefined };

const setVariables = useEnvironment();
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 's3-asset-manager-config-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function configured(text: string, settings: Partial<StoreSettings> = {}): Promise<StoreSettings> {
  const file = join(directory, 'config');
  await writeFile(file, `[default]\n${text}`);
  setVariables({ AWS_CONFIG_FILE: file });
  return withSharedConfig(settingsFor(undefined, { ...UNKNOWN, ...settings }));
}

it('settings stay as they are if there are no such files', async () => {
  const settings = settingsFor(undefined, UNKNOWN);
  expect(await withSharedConfig(settings)).toBe(settings);
});

it.each<[text: string, expected: Partial<StoreSettings>]>([
  ['region = eu-west-1', { region: 'eu-west-1' }],
  ['endpoint_url = https://s3.example.com/base', { endpointUrl: 'https://s3.example.com/base' }],
  ['use_fips_endpoint = true', { fips: true }],
  ['use_dualstack_endpoint = True', { dualstack: true }],
  ['s3 =\n  addressing_style = path', { forcePathStyle: true }],
  ['s3 =\n  addressing_style = virtual', { forcePathStyle: false }],
  ['s3 =\n  addressing_style = auto', { forcePathStyle: undefined }],
  ['endpoint_url = https://s3.example.com\nignore_configured_endpoint_urls = true', { endpointUrl: undefined }],
])('%j is applied', async (text, expected) => {
  expect(await configured(text)).toMatchObject(expected);
});

it.each<[text: string, given: Partial<StoreSettings>]>([
  ['region = eu-west-1', { region: 'us-east-2' }],
  ['endpoint_url = https://s3.example.com', { endpointUrl: 'https://given.example.com' }],
  ['services = none', { endpointUrl: 'https://given.example.com' }],
  ['use_fips_endpoint = true', { fips: false }],
  ['use_dualstack_endpoint = true', { dualstack: false }],
  ['s3 =\n  addressing_style = path', { forcePathStyle: false }],
  ['endpoint_url = https://s3.example.com', { ignoresConfiguredEndpoints: true, endpointUrl: undefined }],
])('%j does not override %j', async (text, given) => {
  expect(await configured(text, given)).toMatchObject(given);
});

it('FIPS and dual stack determine the address', async () => {
  const settings = await configured('region = us-west-2\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true');
  expect(serverUrl(settings, settings.region ?? '')).toBe('https://s3-fips.dualstack.us-west-2.amazonaws.com');
});

it.each([
  ['endpoint_url = s3.example.com', "endpoint_url = 's3.example.com'"],
  ['endpoint_url = https://name:secret@s3.example.com', "endpoint_url = 'https://***@s3.example.com'"],
  ['region = eu west', "region = 'eu west'"],
])('%j is refused', async (text, shown) => {
  await expect(configured(text)).rejects.toThrow(`The profile has ${shown} in AWS's shared config files: correct it`);
});
