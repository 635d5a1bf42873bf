import type { AwsCredentialIdentity } from '@smithy/types';
import { defined } from '../../core/defined.ts';
import type { Log } from '../../ports.ts';
import type { PatientRetryStrategy } from './retry-strategy.ts';
import type { GivenCredentials, StoreSettings } from './settings.ts';
import type { Transport } from './transport.ts';

/** What fetching credentials needs of the connection. */
export interface CredentialContext {
  readonly settings: StoreSettings;
  readonly transport: Transport;
  readonly retries: () => Promise<PatientRetryStrategy>;
  readonly signal: AbortSignal;
  readonly log: Pick<Log, 'info'>;
}

/** Given credentials, as requests are signed with them. */
export function identity({ accessKeyId, secretAccessKey, sessionToken }: GivenCredentials): AwsCredentialIdentity {
  return defined({ accessKeyId, secretAccessKey, sessionToken });
}
