import { StoreError } from '../../errors.ts';

// What the store itself said, behind the StoreError that tells it to the user.

/** The store's own name for what went wrong, or undefined where the store did not say. */
export function causeName(error: unknown): string | undefined {
  return error instanceof StoreError && Error.isError(error.cause) ? error.cause.name : undefined;
}

/** The status of the reply, or undefined where none came. */
export function causeStatus(error: unknown): number | undefined {
  if (!(error instanceof StoreError) || !Error.isError(error.cause) || !('$metadata' in error.cause)) return undefined;
  const { $metadata: metadata } = error.cause;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

/** Whether a condition of the request did not hold; some servers say so by the status alone. */
export function isPreconditionFailure(error: unknown): boolean {
  return causeName(error) === 'PreconditionFailed' || causeStatus(error) === 412;
}
