import { exec } from 'node:child_process';
import { promisify } from 'node:util';
import type { AwsCredentialIdentity } from '@smithy/types';
import { defined } from '../../core/defined.ts';
import { printable } from '../../core/printable.ts';
import { StoreError } from '../../errors.ts';

/**
 * Runs the `credential_process` of a profile. The SDK's provider goes by this machine's clock, and refuses fresh
 * credentials where that is fast.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
 *
 * @param command for the shell
 * @throws StoreError with the last line that the process wrote
 */
export async function processCredentials(profile: string, command: string): Promise<AwsCredentialIdentity> {
  const told = (why: string, cause?: unknown): StoreError =>
    new StoreError(
      'credentials',
      `The credential_process of the profile '${printable(profile)}' failed (${why}): run it by hand on the runner`,
      { cause },
    );
  const { stdout } = await promisify(exec)(command).catch((cause: unknown) => {
    throw told(exitOf(cause), cause);
  });
  const identity = parse(stdout);
  if (identity === undefined) throw told('it printed no credentials in the form of version 1');
  return identity;
}

function exitOf(cause: unknown): string {
  const { code, stderr } = Object(cause);
  const lastLine =
    String(stderr ?? '')
      .trim()
      .split(/\r?\n/)
      .at(-1)
      ?.trim() ?? '';
  return `exit code ${printable(String(code))}${lastLine === '' ? '' : `: ${printable(lastLine)}`}`;
}

function parse(stdout: string): AwsCredentialIdentity | undefined {
  try {
    const { Version, AccessKeyId, SecretAccessKey, SessionToken, Expiration } = JSON.parse(stdout);
    if (Version !== 1 || typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string') return undefined;
    return defined({
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: typeof SessionToken === 'string' ? SessionToken : undefined,
      expiration: typeof Expiration === 'string' ? new Date(Expiration) : undefined,
    });
  } catch {
    // What it printed may be a secret, so it is not shown.
    return undefined;
  }
}
