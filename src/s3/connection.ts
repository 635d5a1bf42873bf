import type { AwsCredentialIdentity, RequestSigner } from '@smithy/types';
import type { ChecksumAlgorithm, Log } from '../ports.ts';
import type { Destination } from './faults.ts';
import type { PatientRetryStrategy } from './retry.ts';
import type { StoreSettings } from './settings.ts';
import type { Limits, Transport } from './transport.ts';

/** @param options `forceRefresh` fetches new credentials even if the current ones are still valid */
export type Credentials = (options?: { readonly forceRefresh?: boolean }) => Promise<AwsCredentialIdentity>;

/** The part of a connection that credentials and the region are fetched with. */
export interface CredentialContext {
  readonly settings: StoreSettings;
  readonly transport: Transport;
  readonly retries: () => Promise<PatientRetryStrategy>;
  /** Ends every request that only reads. */
  readonly signal: AbortSignal;
  readonly log: Pick<Log, 'info' | 'debug'>;
}

/** Parts of a request that some stores refuse. */
export type Refusable = 'checksum headers' | 'unsigned bodies';

/** Everything that requests to one bucket share: region, credentials, connections and retries. */
export interface Connection extends CredentialContext {
  readonly limits: Limits;
  readonly destination: Destination;
  readonly region: () => Promise<string>;
  /** Fetched again shortly before they expire, or on request. */
  readonly credentials: Credentials;
  readonly signer: () => Promise<RequestSigner>;
  /** Conditions that the store does not know, each as `<operation> <header>`; this run no longer sends them. */
  readonly unknownConditions: Set<string>;
  /** What the parts of large files are checked by. */
  readonly partChecksum: ChecksumAlgorithm;
  /** What the store has refused; this run no longer sends it. */
  readonly refusals: Set<Refusable>;
  /** How far this machine's clock is behind the server's. */
  clockOffsetMs: number;
}
