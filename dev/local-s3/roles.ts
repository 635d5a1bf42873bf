/** A role that may be assumed. */
export interface Role {
  readonly arn: string;
  /** When set, AssumeRole must give the same. */
  readonly externalId?: string;
  /** 3600 when absent. */
  readonly maxDurationSeconds?: number;
}

/** A request to assume a role by an OpenID Connect token. */
export interface WebIdentity {
  readonly roleArn: string;
  readonly token: string;
  /** The decoded payload of the token. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Returns false, or a message, to refuse. */
export type CheckWebIdentity = (identity: WebIdentity) => boolean | string;
