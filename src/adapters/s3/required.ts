import { StoreError } from '../../errors.ts';
import type { Attempt, Destination } from './faults.ts';

/** A field of a reply, with what to say where it is not there. */
export interface RequiredField<Value> {
  readonly value: Value | undefined;
  readonly name: string;
  readonly attempt: () => Attempt;
  readonly destination: Destination;
}

/** @throws StoreError of kind `malformed-reply` where the field is not there */
export function required<Value>({ value, name, attempt, destination }: RequiredField<Value>): Value {
  if (value !== undefined) return value;
  throw new StoreError(
    'malformed-reply',
    `Could not ${attempt().what}: ${destination.host} answered without ${name}, so it is no S3 reply: check endpoint-url and what lies in between`,
  );
}
