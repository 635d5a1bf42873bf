import type { Identity } from './authenticate.ts';
import type { CredentialStore } from './credentials.ts';
import type { Fault } from './faults.ts';
import type { Settings } from './options.ts';
import type { Deny } from './permissions.ts';
import type { Reply } from './reply.ts';
import type { RequestBody } from './request-body.ts';
import type { RequestLog } from './request-log.ts';
import type { S3Request } from './s3-request.ts';
import type { Storage } from './storage.ts';

/** The state of one server. */
export interface Service {
  readonly settings: Settings;
  readonly storage: Storage;
  readonly credentials: CredentialStore;
  readonly log: RequestLog;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
  fault: Fault | undefined;
  deny: Deny | undefined;
}

/** An authenticated request with a verified body. */
export interface Context {
  readonly service: Service;
  readonly request: S3Request;
  readonly body: RequestBody;
  readonly identity: Identity;
}

/** Performs a request. Synchronous, so that a condition and the write it guards are one step. */
export type Handler = (context: Context) => Reply;
