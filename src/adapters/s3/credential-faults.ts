import { printable } from '../../core/printable.ts';
import { codeOf, StoreError } from '../../errors.ts';
import { faultOf } from './fault.ts';
import { isUnreachable } from './retry-strategy.ts';

/** How a fault on the way to credentials is told. */
export interface Telling {
  /** What failed: `The role … can't be assumed`. */
  readonly failure: string;
  /** Who was asked: `STS`. */
  readonly service: string;
  readonly advice: string;
  /** The advice where nobody answers. */
  readonly network?: string;
}

/** @returns what an error of the SDK, of the system or of a service means to the user, unless it says so already */
export function credentialFault(cause: unknown, telling: Telling): StoreError {
  if (cause instanceof StoreError) return cause;
  const { failure, service, advice, network = 'check the network and the proxy' } = telling;
  const { status, isForeign } = faultOf(cause);
  const why = reasonOf(cause);
  if (isUnreachable(cause) || isBrokenOff(cause, status))
    return new StoreError('unreachable', `${failure}, since ${service} can't be reached (${why}): ${network}`, {
      cause,
    });
  if (isForeign)
    return new StoreError(
      'malformed-reply',
      `${failure}, since ${service} answered ${status ?? ''} with something that is no reply of it: check the proxy and what lies in between`,
      { cause },
    );
  return new StoreError('credentials', `${failure} (${why}): ${advice}`, { cause });
}

/** What the system says of connections; what it says of files has a path. */
function isBrokenOff(cause: unknown, status: number | undefined): boolean {
  return Error.isError(cause) && status === undefined && codeOf(cause) !== '' && !('path' in cause);
}

/** Most of what a service says in an error fits. */
const MOST_CHARACTERS = 500;

function reasonOf(cause: unknown): string {
  if (!Error.isError(cause)) return printable(String(cause));
  const { name, message } = cause;
  const isNameless = name === 'Error' || name === 'CredentialsProviderError' || name === 'TokenProviderError';
  const text = message.trim().replaceAll(/\s+/g, ' ').slice(0, MOST_CHARACTERS);
  return printable(isNameless ? text : `${name}: ${text}`);
}
