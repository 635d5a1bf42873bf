import { doesIdentityRequireRefresh, isIdentityExpired, memoizeIdentityProvider } from '@smithy/core';
import type { AwsCredentialIdentity } from '@smithy/types';
import { credentialsOf } from './credentials.ts';
import { isPathStyle, serverUrl } from './endpoint.ts';
import type { Destination } from './faults.ts';
import { LIMITS, type Limits } from './limits.ts';
import { once } from './once.ts';
import { findRegion } from './region.ts';
import { RequestHandler } from './request-handler.ts';
import { PatientRetryStrategy } from './retry.ts';
import type { StoreSettings } from './settings.ts';

/**
 * The way to the bucket, decided once: whoever sends a request, be it the SDK's client or the lean path of `check`,
 * takes region, endpoint, credentials, connections and patience from here.
 */
export interface Connection {
  readonly settings: StoreSettings;
  readonly limits: Limits;
  readonly destination: Destination;
  readonly pathStyle: boolean;
  readonly handler: RequestHandler;
  readonly retries: PatientRetryStrategy;
  readonly region: () => Promise<string>;
  /** The server, without the bucket. */
  readonly endpoint: () => Promise<string>;
  /** Fetched anew shortly before they expire. */
  readonly credentials: () => Promise<AwsCredentialIdentity>;
  /** How far this machine's clock is behind the server's. */
  clockOffsetMs: number;
}

/** Opens nothing yet: region and credentials are looked for when the first request needs them. */
export function connect(settings: StoreSettings, limits: Limits = LIMITS): Connection {
  const { bucket, endpointUrl, maxAttempts } = settings;
  const handler = new RequestHandler(limits);
  const retries = new PatientRetryStrategy(maxAttempts);
  const region = once(async () => settings.region ?? findRegion(settings, { handler, retries }));
  return {
    settings,
    limits,
    destination: { bucket, host: endpointUrl === undefined ? 'AWS S3' : new URL(endpointUrl).host },
    pathStyle: isPathStyle(settings),
    handler,
    retries,
    region,
    endpoint: async () => serverUrl(settings, await region()),
    credentials: refreshing(() => credentialsOf(settings)),
    clockOffsetMs: 0,
  };
}

/** Keeps what it was given until shortly before that expires. */
function refreshing(fetch: () => Promise<AwsCredentialIdentity>): () => Promise<AwsCredentialIdentity> {
  const provider = memoizeIdentityProvider(fetch, isIdentityExpired, doesIdentityRequireRefresh);
  return async () => (await provider?.()) ?? fetch();
}
