import type { BucketOptions } from './bucket.ts';
import type { Credentials } from './credentials.ts';
import type { Fault } from './faults.ts';
import type { Deny } from './permissions.ts';
import type { CheckWebIdentity, Role } from './roles.ts';

export interface LocalS3Options {
  /** 0, the default, takes any free port of 127.0.0.1. */
  readonly port?: number;
  /** 'test' when absent. */
  readonly accessKeyId?: string;
  /** 'testsecret1' when absent. */
  readonly secretAccessKey?: string;
  /** Further key pairs, temporary ones too. */
  readonly credentials?: readonly Credentials[];
  /** 'us-east-1' when absent. */
  readonly region?: string;
  /** The server's clock in milliseconds: `Date`, `Last-Modified`, skew, expiry. */
  readonly now?: () => number;
  readonly buckets?: readonly (string | BucketOptions)[];
  /** 5 MiB, as S3 has it; tests of multipart uploads may want less. */
  readonly minPartSizeBytes?: number;
  /** How many entries a page of a listing has at most; 1000, as S3 has it, when absent. */
  readonly largestPage?: number;
  /** As S3: a Complete must give every part's checksum when the upload was created with a composite one. */
  readonly requirePartChecksums?: boolean;
  /** The roles that may be assumed; any when absent. */
  readonly roles?: readonly Role[];
  /** May refuse a web identity token; it is never verified otherwise. */
  readonly checkWebIdentity?: CheckWebIdentity;
  /** See `LocalS3.deny`. */
  readonly deny?: Deny;
  /** See `LocalS3.fault`. */
  readonly fault?: Fault;
}

/** The options that hold for a server's whole life. */
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
