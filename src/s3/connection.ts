import { once } from '../async.ts';
import type { Log } from '../ports.ts';
import { type Credentials, credentialsOf } from './credentials.ts';
import { findRegion } from './endpoint.ts';
import type { Destination } from './faults.ts';
import { PatientRetryStrategy } from './retry.ts';
import type { StoreSettings } from './settings.ts';
import { HeaderSigner } from './signer.ts';
import { LIMITS, type Limits, Transport } from './transport.ts';

/** The way to the bucket, decided once: every request takes region, credentials, connections and patience from here. */
export interface Connection {
  readonly settings: StoreSettings;
  readonly limits: Limits;
  /** Ends every request that only reads. */
  readonly signal: AbortSignal;
  readonly destination: Destination;
  readonly transport: Transport;
  readonly retries: () => Promise<PatientRetryStrategy>;
  readonly region: () => Promise<string>;
  /** Fetched anew shortly before they expire, and where that is asked for. */
  readonly credentials: Credentials;
  readonly signer: () => Promise<HeaderSigner>;
  /** Conditions that the store does not know, each as `<operation> <header>`: no request of this run is sent with them again. */
  readonly unknownConditions: Set<string>;
  /** Whether the store refused a checksum's header: no request of this run is sent with one again. */
  refusesChecksums: boolean;
  readonly log: Pick<Log, 'info' | 'debug'>;
  /** How far this machine's clock is behind the server's. */
  clockOffsetMs: number;
}

export interface ConnectOptions {
  /** Aborted when nobody waits for an answer any more; never by default. */
  readonly signal?: AbortSignal | undefined;
  readonly limits?: Limits | undefined;
  readonly log?: Pick<Log, 'info' | 'debug'> | undefined;
}

/** Opens nothing yet: region and credentials are looked for when the first request needs them. */
export function connect(
  settings: StoreSettings,
  { signal = new AbortController().signal, limits = LIMITS, log = SILENT }: ConnectOptions = {},
): Connection {
  const { bucket, endpointUrl, maxAttempts } = settings;
  const transport = new Transport(limits);
  const retries = once(async () => {
    return new PatientRetryStrategy(maxAttempts);
  });
  const region = once(async () => {
    if (settings.region !== undefined) return settings.region;

    return findRegion(settings, { transport, retries, signal });
  });
  const credentials = credentialsOf({ settings, transport, retries, signal, log });
  return {
    settings,
    limits,
    signal,
    destination: { bucket, host: endpointUrl === undefined ? 'AWS S3' : new URL(endpointUrl).host },
    transport,
    retries,
    region,
    credentials,
    signer: once(async () => new HeaderSigner(await region(), credentials)),
    unknownConditions: new Set(),
    refusesChecksums: false,
    log,
    clockOffsetMs: 0,
  };
}

const SILENT: Pick<Log, 'info' | 'debug'> = { info: () => {}, debug: () => {} };
