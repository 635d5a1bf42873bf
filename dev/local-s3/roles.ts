/** A role that may be assumed. */
export interface Role {
  readonly arn: string;
  /** If set, AssumeRole must pass the same value. */
  readonly externalId?: string;
  /** 3600 if absent. */
  readonly maxDurationSeconds?: number;
}

/** A request to assume a role with an OpenID Connect token. */
export interface WebIdentity {
  readonly roleArn: string;
  readonly token: string;
  /** The decoded payload of the token. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Returns false or a message to refuse. */
export type CheckWebIdentity = (identity: WebIdentity) => boolean | string;
