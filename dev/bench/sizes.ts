export interface FileSet {
  readonly count: number;
  readonly sizeBytes: number;
}

/** Typical sets, named by their full size. */
export const SET_NAMES = ['20x2mb', '8x40mb', '1x1gb', '1000x10kb'] as const;

export type SetName = (typeof SET_NAMES)[number];

/** The sizes of the works. */
export interface Sizes {
  readonly sets: Readonly<Record<SetName, FileSet>>;
  readonly sources: FileSet;
  /** Numbers of assets, from few to many. */
  readonly growth: readonly [number, number, number];
}

/** The sizes that the targets refer to. */
export const FULL: Sizes = {
  sets: {
    '20x2mb': { count: 20, sizeBytes: 2_000_000 },
    '8x40mb': { count: 8, sizeBytes: 40_000_000 },
    '1x1gb': { count: 1, sizeBytes: 1_000_000_000 },
    '1000x10kb': { count: 1000, sizeBytes: 10_000 },
  },
  sources: { count: 50_000, sizeBytes: 5000 },
  growth: [1000, 10_000, 100_000],
};

/** Only shows that everything works; its figures mean little. */
export const QUICK: Sizes = {
  sets: {
    '20x2mb': { count: 4, sizeBytes: 2_000_000 },
    '8x40mb': { count: 2, sizeBytes: 20_000_000 },
    '1x1gb': { count: 1, sizeBytes: 50_000_000 },
    '1000x10kb': { count: 50, sizeBytes: 10_000 },
  },
  sources: { count: 500, sizeBytes: 5000 },
  growth: [20, 100, 500],
};
