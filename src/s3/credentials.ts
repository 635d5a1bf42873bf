import type { AwsCredentialIdentity } from '@smithy/types';
import { once, unlessAborted } from '../async.ts';
import { type CredentialContext, identity } from './credential-services.ts';

/** @param options with `forceRefresh`, others than those at hand are fetched */
export type Credentials = (options?: { readonly forceRefresh?: boolean }) => Promise<AwsCredentialIdentity>;

/**
 * Finds the credentials that requests are signed with: those of a role, else the given ones, else those of the
 * environment, of a profile, of the container or of the machine.
 *
 * @returns fetches them when they are first needed, and again shortly before they expire; throws StoreError
 */
export function credentialsOf(context: CredentialContext): Credentials {
  const { role, credentials } = context.settings;
  if (role === undefined && credentials !== undefined) {
    const given = identity(credentials);
    return async () => given;
  }
  const source = once(async () => (await import('./credential-source.ts')).credentialSource(context));
  return refreshing(
    () =>
      unlessAborted(
        source().then((fetch) => fetch()),
        context.signal,
      ),
    context.transport,
  );
}

/** They are fetched anew when they have less time left. */
const REFRESH_MS = 5 * 60_000;

/** Some sources give out the same ones until they expire: asking more often would bring nothing else. */
const LEAST_INTERVAL_MS = 60_000;

interface Fetched {
  readonly identity: AwsCredentialIdentity;
  readonly atMs: number;
}

/** @param clock how far the servers' clock, by which credentials expire, is ahead of this machine's */
function refreshing(
  fetch: () => Promise<AwsCredentialIdentity>,
  clock: { readonly clockOffsetMs: number },
): Credentials {
  let last: Fetched | undefined;
  let underWay: Promise<AwsCredentialIdentity> | undefined;
  const leftMs = ({ expiration }: AwsCredentialIdentity): number =>
    expiration === undefined ? Number.POSITIVE_INFINITY : expiration.getTime() - Date.now() - clock.clockOffsetMs;

  const renew = async (isForced: boolean): Promise<AwsCredentialIdentity> => {
    try {
      last = { identity: await fetch(), atMs: Date.now() };
    } catch (error) {
      // There is time to ask again.
      if (last === undefined || isForced || leftMs(last.identity) <= 0) throw error;
      last = { ...last, atMs: Date.now() };
    }
    return last.identity;
  };

  return async ({ forceRefresh = false } = {}) => {
    if (underWay !== undefined) return underWay;
    const isGood =
      last !== undefined &&
      (leftMs(last.identity) >= REFRESH_MS || Math.abs(Date.now() - last.atMs) < LEAST_INTERVAL_MS);
    if (last !== undefined && isGood && !forceRefresh) return last.identity;
    underWay = renew(forceRefresh).finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}
