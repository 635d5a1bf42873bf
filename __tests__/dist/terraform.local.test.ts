import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { machineEnvironment } from '../../dev/run-action.ts';
import { Scenario } from '../support/scenario.ts';

// The recipes for Terraform, planned with the provider for AWS: `TERRAFORM_PLUGINS=DIRECTORY npm run test:terraform`.
// The provider has 700 MB, so the tests don't download it: `terraform providers mirror DIRECTORY` does.

const PAGE = resolve(import.meta.dirname, '..', '..', 'docs', 'guide', 'recipes.md');
const { TERRAFORM_PLUGINS = '' } = process.env;
const hasTerraform = TERRAFORM_PLUGINS !== '' && spawnSync('terraform', ['-version']).status === 0;
if (!hasTerraform)
  console.warn('The recipes for Terraform are not run: it needs to be on the PATH, and TERRAFORM_PLUGINS.');

(hasTerraform ? describe : describe.skip)('Terraform', () => {
  let scenario: Scenario;
  let folder: string;
  beforeEach(async () => {
    scenario = await Scenario.create();
    folder = await mkdtemp(join(tmpdir(), 's3-asset-manager-terraform-'));
    await scenario.build({ 'api.zip': 'api' });
  });
  afterEach(async () => {
    await scenario.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('deploys the files that a check found', async () => {
    const { outputs } = await scenario.action('upload');
    const plan = await planOf('variable "assets"', { assets: outputs.files ?? '' });
    expect(plan).toContain(`artifacts/${scenario.head}/api.zip`);
    expect(plan).toContain('Plan: 1 to add');
  });

  it("deploys the files of a set's record", async () => {
    await scenario.action('upload');
    const plan = await planOf('aws_s3_object', { commit: scenario.head });
    expect(plan).toContain(`artifacts/${scenario.head}/api.zip`);
    expect(plan).toContain('Plan: 1 to add');
  });

  it('refuses the record of a set that is not complete, and says so', async () => {
    scenario.bucket.server.fault = ({ key = '' }) =>
      key.startsWith('artifacts/') ? { kind: 'error', status: 403, code: 'AccessDenied' } : undefined;
    await scenario.action('upload');
    scenario.bucket.server.fault = undefined;
    expect(await scenario.record()).toMatchObject({ state: 'uploading' });
    const plan = await planOf('aws_s3_object', { commit: scenario.head });
    expect(plan).toContain('The assets of this commit are not complete');
    expect(plan).not.toContain('to add');
  });

  it('refuses a commit without a set', async () => {
    expect(await planOf('aws_s3_object', { commit: scenario.head })).toContain("couldn't find resource");
  });

  /** Plans the recipe that contains a text. @returns everything that Terraform said */
  async function planOf(part: string, variables: Readonly<Record<string, string>>): Promise<string> {
    const blocks = [...(await readFile(PAGE, 'utf8')).matchAll(/^```hcl\n(.*?)^```$/gms)].map(([, text = '']) => text);
    const [recipe = '', ...others] = blocks.filter((block) => block.includes(part));
    expect(others).toEqual([]);
    const declared = Object.keys(variables).filter((name) => !recipe.includes(`variable "${name}"`));
    const code = recipe.replaceAll('my-assets', scenario.bucket.name).replace('# ...', FUNCTION);
    const files = {
      'main.tf': [...declared.map((name) => `variable "${name}" {}\n`), code, provider()].join('\n'),
      'terraform.rc': `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(TERRAFORM_PLUGINS)}\n  }\n}\n`,
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const set = Object.fromEntries(Object.entries(variables).map(([name, value]) => [`TF_VAR_${name}`, value]));
    await terraform('init', {});
    return terraform('plan', set);
  }

  const FUNCTION = `function_name = "api"
  role          = "arn:aws:iam::123456789012:role/api"
  handler       = "index.handler"
  runtime       = "nodejs22.x"`;

  function provider(): string {
    const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ASSETS_ENDPOINT_URL } = scenario.variables;
    return `provider "aws" {
  region                      = "${AWS_REGION}"
  access_key                  = "${AWS_ACCESS_KEY_ID}"
  secret_key                  = "${AWS_SECRET_ACCESS_KEY}"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  s3_use_path_style           = true
  endpoints {
    s3 = "${ASSETS_ENDPOINT_URL}"
  }
}
`;
  }

  async function terraform(command: string, variables: Readonly<Record<string, string>>): Promise<string> {
    const env = {
      ...machineEnvironment(),
      ...variables,
      CHECKPOINT_DISABLE: '1',
      TF_CLI_CONFIG_FILE: join(folder, 'terraform.rc'),
    };
    const options = { cwd: folder, env };
    // The server answers in this process. A refused plan is a result too.
    const { stdout, stderr } = await promisify(execFile)('terraform', [command, '-no-color'], options).catch(
      (error: Record<'stdout' | 'stderr', string>) => error,
    );
    return stdout + stderr;
  }
});
