import { readFile } from 'node:fs/promises';
import { BlockList, isIP } from 'node:net';
import type { AwsCredentialIdentity } from '@smithy/types';
import { defined } from '../../core/defined.ts';
import { printable } from '../../core/printable.ts';
import { StoreError } from '../../errors.ts';
import type { CredentialContext } from './identity.ts';
import { askService, type Question } from './json-service.ts';
import { LIMITS } from './limits.ts';
import { Transport } from './transport.ts';
import { variable } from './variable.ts';

// The credentials of a task of ECS or a pod of EKS. The SDK's own provider knows no proxy, and hides the answer.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html

const ECS_ADDRESS = 'http://169.254.170.2';

/** To a service on this machine. */
const CONNECT_TIMEOUT_MS = 1000;

/** @returns the address that the environment names @throws StoreError where the token must not be sent there */
export function containerUrl(): URL | undefined {
  const relative = variable('AWS_CONTAINER_CREDENTIALS_RELATIVE_URI');
  const text = relative === undefined ? variable('AWS_CONTAINER_CREDENTIALS_FULL_URI') : ECS_ADDRESS + relative;
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal(url))) return url;
  throw new StoreError(
    'credentials',
    `AWS_CONTAINER_CREDENTIALS_FULL_URI is '${printable(text)}': give an https URL, or an http URL of this machine`,
  );
}

/** The addresses that the SDK takes without TLS too. */
function isLocal({ hostname }: URL): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  const local = new BlockList();
  local.addSubnet('127.0.0.0', 8);
  for (const service of ['169.254.170.2', '169.254.170.23']) local.addAddress(service);
  for (const service of ['::1', 'fd00:ec2::23']) local.addAddress(service, 'ipv6');
  return hostname === 'localhost' || local.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** @throws ServiceError, or the system's error */
export async function containerCredentials(
  { transport, retries, signal }: CredentialContext,
  url: URL,
): Promise<AwsCredentialIdentity> {
  // No proxy leads to the machine that this is.
  const direct = new Transport({ ...LIMITS, connectTimeoutMs: CONNECT_TIMEOUT_MS }, { isProxied: false });
  const way = { retries, signal, transport: url.protocol === 'http:' ? direct : transport };
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = await askService(way, () => questionTo(url));
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string')
    throw new Error('the reply has no AccessKeyId and SecretAccessKey');
  return defined({
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: typeof Token === 'string' ? Token : undefined,
    expiration: typeof Expiration === 'string' ? new Date(Expiration) : undefined,
  });
}

async function questionTo(url: URL): Promise<Question> {
  const file = variable('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE');
  // It is replaced while the pod runs.
  const token = file === undefined ? undefined : (await readFile(file, 'utf8')).trim();
  const authorization = token ?? variable('AWS_CONTAINER_AUTHORIZATION_TOKEN');
  return { url, headers: defined({ authorization }) };
}
