import type { AwsCredentialIdentity } from '@smithy/types';
import { once, unlessAborted } from '../async.ts';
import type { Log, ObjectStore } from '../ports.ts';
import { defined } from '../text.ts';
import { Bucket } from './bucket.ts';
import type { Connection, CredentialContext, Credentials } from './connection.ts';
import { endpointName, findRegion } from './endpoint.ts';
import type { Destination } from './faults.ts';
import { head, list, readAsset, readDocument, readObject } from './read.ts';
import { PatientRetryStrategy } from './retry.ts';
import { environmentKeys, type StoreSettings } from './settings.ts';
import { HeaderSigner } from './signed-request.ts';
import { LIMITS, type Limits, Transport } from './transport.ts';

/** A bucket of an S3 server. Modules that a check with a hit does not need are loaded on first use. */
export function s3ObjectStore(settings: StoreSettings, options?: ConnectOptions): ObjectStore {
  const bucket = new Bucket(connect(settings, options));
  // Cached: even importing a loaded module takes a tenth of the time of a request.
  const write = once(() => import('./write.ts'));
  const inParts = once(async () => (await import('./multipart.ts')).multipart(bucket));
  return {
    bucket: settings.bucket,
    endpoint: endpointName(settings),
    partSizeBytes: settings.partSizeBytes,
    partChecksum: bucket.connection.partChecksum,
    requiresSignatures: false,
    readDocument: (key, signal) => readDocument(bucket, key, signal),
    readObject: (read) => readObject(bucket, read),
    writeObject: async (object) => (await write()).writeObject(bucket, object),
    list: (prefix) => list(bucket, prefix),
    writeDocument: async (key, body, condition) =>
      (await write()).writeObject(bucket, { key, body, condition, contentType: 'application/json' }),
    head: async (key) => head(bucket, key),
    putAsset: async (asset) => (await write()).putAsset(bucket, asset),
    putAssetInParts: async (asset) => (await inParts()).put(asset),
    copyAsset: async (copy) => (await write()).copyAsset(bucket, copy),
    readAsset: (read) => readAsset(bucket, read),
    abortUploads: async (prefix, beforeEach) => (await inParts()).abortUploads(prefix, beforeEach),
  };
}

export interface ConnectOptions {
  /** Aborted when the answers are no longer needed; never by default. */
  readonly signal?: AbortSignal | undefined;
  readonly limits?: Limits | undefined;
  readonly log?: Pick<Log, 'info' | 'debug'> | undefined;
  /** Called before each retry of a request. */
  readonly onRetry?: (() => void) | undefined;
  /** Requests at once, if several sets share the limit. */
  readonly mostAtOnce?: number | undefined;
}

/** Opens no connection yet: region and credentials are determined by the first request. */
export function connect(
  settings: StoreSettings,
  { signal = new AbortController().signal, limits = LIMITS, log = SILENT, onRetry, mostAtOnce }: ConnectOptions = {},
): Connection {
  const destination = destinationOf(settings);
  const transport = new Transport(limits, { mostAtOnce });
  const retries = once(async () => new PatientRetryStrategy(settings.maxAttempts, onRetry));
  const context = { settings, transport, retries, signal, log };
  const region = once(async () => settings.region ?? findRegion(context));
  const credentials = credentialsOf(context);
  return {
    ...context,
    limits,
    destination,
    region,
    credentials,
    signer: once(async () => new HeaderSigner(await region(), credentials)),
    unknownConditions: new Set(),
    // TLS already protects bytes on their way, so a CRC is enough there: SHA-256 takes twice as long.
    partChecksum: destination.scheme === 'http' ? 'sha256' : 'crc32',
    refusals: new Set(),
    clockOffsetMs: 0,
  };
}

function destinationOf({ bucket, endpointUrl }: StoreSettings): Destination {
  if (endpointUrl === undefined) return { bucket, host: 'AWS S3' };
  const { host, protocol } = new URL(endpointUrl);
  return { bucket, host, scheme: protocol === 'https:' ? 'https' : 'http' };
}

const SILENT: Pick<Log, 'info' | 'debug'> = { info: () => {}, debug: () => {} };

/**
 * The credentials that requests are signed with: those of the role, or else the given ones, or else those of the
 * environment, a profile, the container or the machine.
 *
 * @returns a function that fetches them when first needed and again shortly before they expire; it throws StoreError
 */
function credentialsOf(context: CredentialContext): Credentials {
  const { role, credentials } = context.settings;
  const source = once(async () => {
    const keys = role === undefined ? (credentials ?? environmentKeys()) : undefined;
    if (keys === undefined) return (await import('./credential-source.ts')).credentialSource(context);
    const identity = defined(keys);
    return async () => identity;
  });
  const fetch = async () => (await source())();
  return refreshing(() => unlessAborted(fetch(), context.signal), context.transport);
}

/** Credentials with less time left than this are fetched again. */
const REFRESH_MS = 5 * 60_000;

/** Some sources return the same credentials until they expire, so asking more often is pointless. */
const LEAST_INTERVAL_MS = 60_000;

/** @param clock how far the server's clock, which decides when credentials expire, is ahead of this machine's */
function refreshing(
  fetch: () => Promise<AwsCredentialIdentity>,
  clock: { readonly clockOffsetMs: number },
): Credentials {
  let last: { readonly identity: AwsCredentialIdentity; readonly atMs: number } | undefined;
  let underWay: Promise<AwsCredentialIdentity> | undefined;
  const leftMs = ({ expiration }: AwsCredentialIdentity): number =>
    expiration === undefined ? Number.POSITIVE_INFINITY : expiration.getTime() - Date.now() - clock.clockOffsetMs;

  const renew = async (isForced: boolean): Promise<AwsCredentialIdentity> => {
    try {
      last = { identity: await fetch(), atMs: Date.now() };
    } catch (error) {
      // The old credentials are still valid; the next attempt comes later.
      if (last === undefined || isForced || leftMs(last.identity) <= 0) throw error;
      last = { ...last, atMs: Date.now() };
    }
    return last.identity;
  };

  return async ({ forceRefresh = false } = {}) => {
    if (underWay !== undefined) return underWay;
    const isGood =
      last !== undefined &&
      (leftMs(last.identity) >= REFRESH_MS || Math.abs(Date.now() - last.atMs) < LEAST_INTERVAL_MS);
    if (last !== undefined && isGood && !forceRefresh) return last.identity;
    underWay = renew(forceRefresh).finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}
