import type { Guard } from '../guards.ts';

/** A guard of the protocol, and how it is taken out. */
export interface Mutant extends Guard {
  /** Why nothing breaks without it: another guard does the same, or it is there for something that no promise is about. */
  readonly redundant?: string;
  /** The tests that notice it instead: what it takes to break without it is too rare for the model to meet. */
  readonly rare?: string;
}
