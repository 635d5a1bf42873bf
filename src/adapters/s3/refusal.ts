import { StoreError } from '../../errors.ts';
import { faultOf } from './fault.ts';

// What the store itself said, behind the StoreError that tells it to the user.

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
