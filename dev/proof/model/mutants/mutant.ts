/** A guard of the protocol, and how it is taken out. */
export interface Mutant {
  readonly guard: string;
  /** The file that holds the guard, from the repository's root. */
  readonly file: string;
  /** Found in it exactly once. */
  readonly text: string;
  readonly replacement: string;
  /** Why nothing breaks without it: another guard does the same, or it is there for something that no promise is about. */
  readonly redundant?: string;
  /** The tests that notice it instead: what it takes to break without it is too rare for the model to meet. */
  readonly rare?: string;
}
