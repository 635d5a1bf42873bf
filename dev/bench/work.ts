import type { Contender } from './contest.ts';
import type { LinkName } from './link.ts';
import type { Sizes } from './sizes.ts';
import type { Stage } from './stage.ts';
import type { Target } from './targets.ts';

/** @param endpoint for the requests of the timed programs */
export type Lineup = (endpoint: string) => readonly Contender[];

/** Something to measure. */
export interface Work {
  /** The name for `--only`. */
  readonly name: string;
  title(sizes: Sizes): string;
  /** The links over which it is measured. */
  readonly links: readonly LinkName[];
  targets(sizes: Sizes): readonly Target[];
  /** Builds its inputs, once for all links. */
  prepare(stage: Stage): Promise<Lineup>;
}

/** This project's own entry in every contest. */
export const ACTION = 'this action';
export const PYTHON_TOOL = 'Python tool';
/** The fastest of the programs that move files, which the action must match. */
export const S5CMD = 's5cmd';
/** It verifies its transfers by MD5. */
export const RCLONE = 'rclone';
