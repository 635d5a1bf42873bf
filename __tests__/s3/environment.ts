import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';

const RELEVANT = /^(AWS_|ACTIONS_ID_TOKEN_|(https?|all|no)_proxy$)/i;

/**
 * Before each test, hides the machine's own credentials and region: variables, files in the home directory and the
 * metadata service.
 *
 * @returns a function that sets variables until the end of the test
 */
export function useEnvironment(): (variables: Readonly<Record<string, string>>) => void {
  const original = { ...process.env };
  beforeEach(() => {
    for (const name of Object.keys(process.env)) if (RELEVANT.test(name)) delete process.env[name];
    const nowhere = join(tmpdir(), 'no-home-of-anybody');
    Object.assign(process.env, { HOME: nowhere, USERPROFILE: nowhere, AWS_EC2_METADATA_DISABLED: 'true' });
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, original);
  });
  return (variables) => void Object.assign(process.env, variables);
}
