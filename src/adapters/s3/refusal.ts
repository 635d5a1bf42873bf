import { StoreError } from '../../errors.ts';
import { faultOf } from './fault.ts';
import type { StoreSettings } from './settings.ts';

// What the store itself said, behind the StoreError that tells it to the user.

/** What stores other than AWS answer to a header that they don't know, B2 the first of them. */
const UNKNOWN_HEADER: ReadonlySet<string> = new Set(['InvalidArgument', 'InvalidRequest', 'NotImplemented']);

/**
 * Whether a store may have refused a request for a header that it does not know. AWS knows them, or says NotImplemented: what
 * protects a request is not left out there for another fault.
 *
 * @param name the store's own name for the refusal
 */
export function isUnknownHeader({ endpointUrl }: StoreSettings, name: string | undefined): boolean {
  return name === 'NotImplemented' || (endpointUrl !== undefined && UNKNOWN_HEADER.has(name ?? ''));
}

/** The store's own name for what went wrong, or undefined where the store did not say. */
export function causeName(error: unknown): string | undefined {
  return error instanceof StoreError && Error.isError(error.cause) ? error.cause.name : undefined;
}

/** The status of the reply, or undefined where none came. */
export function causeStatus(error: unknown): number | undefined {
  return error instanceof StoreError ? faultOf(error.cause).status : undefined;
}

/** Whether a condition of the request did not hold; some servers say so by the status alone. */
export function isPreconditionFailure(error: unknown): boolean {
  const name = causeName(error);
  return name === 'PreconditionFailed' || name === 'Status412';
}
