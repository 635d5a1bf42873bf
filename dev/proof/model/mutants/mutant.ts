import type { Guard } from '../guards.ts';

/** A guard of the protocol, and how to remove it. */
export interface Mutant extends Guard {
  /** Why nothing breaks without it: another guard does the same, or it protects something that no promise covers. */
  readonly redundant?: string;
  /** The tests that notice its removal instead, since the events that break something are too rare in the model. */
  readonly rare?: string;
}
