import type { AwsCredentialIdentity, RequestSigner } from '@smithy/types';
import type { Log } from '../ports.ts';
import type { Destination } from './faults.ts';
import type { PatientRetryStrategy } from './retry.ts';
import type { StoreSettings } from './settings.ts';
import type { Limits, Transport } from './transport.ts';

/** @param options with `forceRefresh`, others than those at hand are fetched */
export type Credentials = (options?: { readonly forceRefresh?: boolean }) => Promise<AwsCredentialIdentity>;

/** What fetching credentials needs of the connection. */
export interface CredentialContext {
  readonly settings: StoreSettings;
  readonly transport: Transport;
  readonly retries: () => Promise<PatientRetryStrategy>;
  /** Ends every request that only reads. */
  readonly signal: AbortSignal;
  readonly log: Pick<Log, 'info' | 'debug'>;
}

/** What some stores refuse. */
export type Refusable = 'checksum headers' | 'unsigned bodies';

/** The way to the bucket, decided once: every request takes region, credentials, connections and patience from here. */
export interface Connection extends CredentialContext {
  readonly limits: Limits;
  readonly destination: Destination;
  readonly region: () => Promise<string>;
  /** Fetched anew shortly before they expire, and where that is asked for. */
  readonly credentials: Credentials;
  readonly signer: () => Promise<RequestSigner>;
  /** Conditions that the store does not know, each as `<operation> <header>`: no request of this run is sent with them again. */
  readonly unknownConditions: Set<string>;
  /** What the store refused and takes requests without: no request of this run is sent with it again. */
  readonly refusals: Set<Refusable>;
  readonly log: Pick<Log, 'info' | 'debug'>;
  /** How far this machine's clock is behind the server's. */
  clockOffsetMs: number;
}
