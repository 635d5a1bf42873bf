import { randomBytes } from 'node:crypto';
import { ACCOUNT_ID } from './account.ts';

/** A key pair that the server knows. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly expiresAt?: number;
  /** The identity behind the requests; a user named like the key if absent. */
  readonly arn?: string;
}

export type KnownCredentials = Credentials & { readonly arn: string };

/** Temporary credentials from STS. */
export type TemporaryCredentials = Required<Credentials>;

/** All key pairs that may sign requests. */
export class CredentialStore {
  readonly #byId = new Map<string, KnownCredentials>();

  add(credentials: Credentials): void {
    const arn = `arn:aws:iam::${ACCOUNT_ID}:user/${credentials.accessKeyId}`;
    this.#byId.set(credentials.accessKeyId, { arn, ...credentials });
  }

  find(accessKeyId: string): KnownCredentials | undefined {
    return this.#byId.get(accessKeyId);
  }

  /** Makes up a key pair with a session token. */
  issue({ arn, expiresAt }: Pick<TemporaryCredentials, 'arn' | 'expiresAt'>): TemporaryCredentials {
    const issued = {
      accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(96).toString('base64'),
      expiresAt,
      arn,
    };
    this.add(issued);
    return issued;
  }
}
