import { isError, printable } from './text.ts';

/** A fault that the user can act on: its message is one line that says what failed, the value seen and what to do. */
export class UserError extends Error {
  override name = 'UserError';
}

/** An input or environment variable that can't be used as it stands. */
export class InputError extends UserError {
  override name = 'InputError';
}

/** What kind of fault the object store, or the way to it, showed. */
export type StoreFaultKind =
  | 'access-denied'
  | 'archived'
  | 'credentials'
  | 'no-such-bucket'
  | 'wrong-region'
  | 'unreachable'
  | 'throttled'
  | 'malformed-reply'
  | 'rejected';

/** The object store refused, could not be reached or gave a reply that can't be believed. Never a miss. */
export class StoreError extends UserError {
  override name = 'StoreError';
  readonly kind: StoreFaultKind;

  constructor(kind: StoreFaultKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Whether the store says that nothing can read the object before it is restored from its archive. */
export function isArchived(error: unknown): error is StoreError {
  return error instanceof StoreError && error.kind === 'archived';
}

/** Another writer holds the record, or took it over: this run must not write to the set any more. */
export class RecordLostError extends UserError {
  override name = 'RecordLostError';
}

/** The bytes behind a set changed while it was copied: what is there is not what its record or listing said. */
export class SetChangedError extends UserError {
  override name = 'SetChangedError';
}

/** Nothing was found, or nothing restored, where the user wants that to be a failure. */
export class MissError extends UserError {
  override name = 'MissError';
}

/** The run was cancelled. */
export class CancelledError extends UserError {
  override name = 'CancelledError';
}

/**
 * How an error is told to the user.
 *
 * @returns one line for the log, and the details (stack and every cause) for the debug output
 */
export function describeError(error: unknown): { readonly line: string; readonly details: string } {
  const details = causesOf(error)
    .map((cause) => (isError(cause) ? (cause.stack ?? cause.message) : String(cause)))
    .join('\ncaused by: ');
  if (error instanceof UserError) return { line: error.message, details };
  const what = isError(error) ? `${error.name}: ${error.message}` : String(error);
  const line = `Unexpected failure: ${printable(what.replace(/\s+/g, ' '))} (re-run with debug logging for details)`;
  return { line, details };
}

function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let next = error; next !== undefined && !causes.includes(next); ) {
    causes.push(next);
    next = isError(next) ? next.cause : undefined;
  }
  return causes;
}
