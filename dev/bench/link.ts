/** The connections between the programs and the server, in the order of measurement and of the report. */
export const LINK_NAMES = ['loopback', '25ms', '2gbit'] as const;

export type LinkName = (typeof LINK_NAMES)[number];

export interface Link {
  readonly name: LinkName;
  /** The URL that the programs connect to. */
  readonly endpoint: string;
  /** Slows the machine's loopback down until it is disposed. */
  readonly slowDown?: () => Promise<AsyncDisposable>;
}
