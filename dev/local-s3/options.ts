import type { BucketOptions } from './bucket.ts';
import type { Credentials } from './credentials.ts';
import type { Fault } from './faults.ts';
import type { Deny } from './permissions.ts';
import type { CheckWebIdentity, Role } from './roles.ts';

export interface LocalS3Options {
  /** 0, the default, chooses any free port of 127.0.0.1. */
  readonly port?: number;
  /** 'test' if absent. */
  readonly accessKeyId?: string;
  /** 'testsecret1' if absent. */
  readonly secretAccessKey?: string;
  /** Further key pairs, which may be temporary. */
  readonly credentials?: readonly Credentials[];
  /** 'us-east-1' if absent. */
  readonly region?: string;
  /** The server's clock in milliseconds: `Date`, `Last-Modified`, skew, expiry. */
  readonly now?: () => number;
  readonly buckets?: readonly (string | BucketOptions)[];
  /** 5 MiB by default, as in S3; tests of multipart uploads may want less. */
  readonly minPartSizeBytes?: number;
  /** Maximum number of entries on a page of a listing; 1000 if absent, as in S3. */
  readonly largestPage?: number;
  /** As in S3: completing an upload with a composite checksum requires every part's checksum. */
  readonly requirePartChecksums?: boolean;
  /** The roles that may be assumed; any if absent. */
  readonly roles?: readonly Role[];
  /** May refuse a web identity token, which is not verified otherwise. */
  readonly checkWebIdentity?: CheckWebIdentity;
  /** See `LocalS3.deny`. */
  readonly deny?: Deny;
  /** See `LocalS3.fault`. */
  readonly fault?: Fault;
}

/** The options that never change while a server runs. */
export interface Settings {
  readonly region: string;
  readonly now: () => number;
  readonly minPartSizeBytes: number;
  readonly largestPage: number;
  readonly requirePartChecksums: boolean;
  readonly roles: readonly Role[] | undefined;
  readonly checkWebIdentity: CheckWebIdentity | undefined;
}

export function resolveSettings(options: LocalS3Options): Settings {
  return {
    region: options.region ?? 'us-east-1',
    now: options.now ?? Date.now,
    minPartSizeBytes: options.minPartSizeBytes ?? 5 * 1024 * 1024,
    largestPage: options.largestPage ?? 1000,
    requirePartChecksums: options.requirePartChecksums ?? false,
    roles: options.roles,
    checkWebIdentity: options.checkWebIdentity,
  };
}
