import { isError, printable } from './text.ts';

/** An error that the user can act on. Its message is one line: what failed, the value seen, and what to do. */
export class UserError extends Error {
  override name = 'UserError';
}

/** An invalid input or environment variable. */
export class InputError extends UserError {
  override name = 'InputError';
}

/** Kinds of faults of the object store, or of the connection to it. */
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

/** The object store refused a request, could not be reached, or gave an invalid reply. This is never a miss. */
export class StoreError extends UserError {
  override name = 'StoreError';
  readonly kind: StoreFaultKind;
  /** The message without the request that failed: the same for all requests with this fault. */
  readonly fault: string | undefined;

  constructor(kind: StoreFaultKind, message: string, options?: ErrorOptions & { readonly fault?: string }) {
    super(message, options);
    this.kind = kind;
    this.fault = options?.fault;
  }
}

/** Whether the object can't be read because it is archived. */
export function isArchived(error: unknown): error is StoreError {
  return error instanceof StoreError && error.kind === 'archived';
}

/** Another writer holds the record, or took it over: this run must not write to the set any more. */
export class RecordLostError extends UserError {
  override name = 'RecordLostError';
  /** How it was lost: the message without its advice. */
  readonly loss: string;

  constructor(loss: string, advice?: string) {
    super(advice === undefined ? loss : `${loss}: ${advice}`);
    this.loss = loss;
  }
}

/** A set changed while it was copied: its objects no longer match its record or listing. */
export class SetChangedError extends UserError {
  override name = 'SetChangedError';
}

/** Nothing was found or restored, and the user wants that to be a failure. */
export class MissError extends UserError {
  override name = 'MissError';
}

export class CancelledError extends UserError {
  override name = 'CancelledError';
}

/**
 * Describes an error to the user.
 *
 * @returns one line for the log, and details (the stacks of the error and of every cause) for the debug output
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
