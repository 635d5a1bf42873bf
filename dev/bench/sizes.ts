/** How large the works are. */
export interface Sizes {
  readonly small: { readonly count: number; readonly sizeBytes: number };
  readonly sources: { readonly count: number; readonly sizeBytes: number };
  readonly largeBytes: number;
  /** Numbers of assets, from few to many. */
  readonly growth: readonly [number, number, number];
}

/** What the targets are given for. */
export const FULL: Sizes = {
  small: { count: 1000, sizeBytes: 10_000 },
  sources: { count: 50_000, sizeBytes: 5000 },
  largeBytes: 2_000_000_000,
  growth: [1000, 10_000, 100_000],
};

/** Shows that everything works; its figures say little. */
export const QUICK: Sizes = {
  small: { count: 50, sizeBytes: 10_000 },
  sources: { count: 500, sizeBytes: 5000 },
  largeBytes: 50_000_000,
  growth: [20, 100, 500],
};
