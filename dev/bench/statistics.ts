/** @returns the middle value, or the mean of the two in the middle; NaN without values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle - 1)] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** The cost of one process, or of several that ran one after another. */
export interface Cost {
  readonly wallMs: number;
  /** User and system time. */
  readonly cpuMs: number;
  /** Peak of the largest process. */
  readonly peakBytes: number;
}

/** Medians of several runs; the peak is the highest of all. */
export interface Summary extends Cost {
  readonly runs: number;
}

export function summarize(costs: readonly Cost[]): Summary {
  return {
    runs: costs.length,
    wallMs: median(costs.map(({ wallMs }) => wallMs)),
    cpuMs: median(costs.map(({ cpuMs }) => cpuMs)),
    peakBytes: Math.max(...costs.map(({ peakBytes }) => peakBytes)),
  };
}
