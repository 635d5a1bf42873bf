import type { SdkError } from '@smithy/types';

/** What the SDK's parts classify: any error, with the fields of a reply where there was one. */
export function isSdkError(error: unknown): error is SdkError {
  return Error.isError(error);
}

/** The code of an error that says a proxy could not connect to the server just now. */
export const PROXY_UNAVAILABLE = 'PROXY_UNAVAILABLE';
