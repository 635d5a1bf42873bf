import { readFile } from 'node:fs/promises';
import { BlockList, isIP } from 'node:net';
import { HttpRequest } from '@smithy/core/protocols';
import type { AwsCredentialIdentity } from '@smithy/types';
import { withRetries } from '../async.ts';
import { StoreError } from '../errors.ts';
import { codeOf, defined, isError, isObject, isText, parsedJson, printable, textIn } from '../text.ts';
import type { CredentialContext } from './connection.ts';
import { faultOf } from './faults.ts';
import type { Reply } from './reply.ts';
import { isUnreachable } from './retry.ts';
import { variable } from './settings.ts';
import { LIMITS, Transport } from './transport.ts';

// Services that issue credentials and tokens as JSON; their errors are JSON or a line of text.

const MOST_REPLY_BYTES = 1024 ** 2;

interface Question {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * @param question called again for each attempt
 * @returns the fields of the reply
 * @throws ServiceError; the system's error if no reply came after every retry
 */
export async function askService(
  { transport, retries, signal }: Pick<CredentialContext, 'transport' | 'retries' | 'signal'>,
  question: () => Promise<Question>,
): Promise<Readonly<Record<string, unknown>>> {
  return withRetries(retries, signal, async () => {
    const answer = await transport.exchange(requestOf(await question()), { mostBytes: MOST_REPLY_BYTES, signal });
    const fields = answer.status === 200 ? fieldsOf(answer.body) : undefined;
    if (fields === undefined) throw new ServiceError(answer);
    return fields;
  });
}

function requestOf({ url, headers }: Question): HttpRequest {
  return new HttpRequest({
    protocol: url.protocol,
    hostname: url.hostname,
    ...defined({ port: url.port === '' ? undefined : Number(url.port) }),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host, accept: 'application/json', ...headers },
  });
}

/** An answer other than the one expected. Shaped like the SDK's own errors, so that both are reported the same way. */
export class ServiceError extends Error {
  readonly $metadata: { readonly httpStatusCode: number };
  /** Only if the answer is a web page, usually from a proxy. */
  readonly $responseBodyText: string | undefined;

  constructor({ status, body }: Reply) {
    const text = body.toString().trim();
    const { Code, code, Message, message } = fieldsOf(body) ?? {};
    const isPage = text.startsWith('<') || (status === 200 && fieldsOf(body) === undefined);
    const [line = ''] = isPage ? [] : text.split(/\r?\n/);
    super([Code ?? code, Message ?? message].filter(isText).join(': ') || line || 'no reason given');
    this.name = `Status${status}`;
    this.$metadata = { httpStatusCode: status };
    this.$responseBodyText = isPage ? text : undefined;
  }
}

function fieldsOf(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  const value = parsedJson(body.toString());
  return isObject(value) ? value : undefined;
}

/** What a message says about a failure to get credentials. */
interface Explanation {
  /** What failed: `The role … can't be assumed`. */
  readonly failure: string;
  /** Who was asked: `STS`. */
  readonly service: string;
  readonly advice: string;
  /** The advice if nobody answers. */
  readonly network?: string;
}

/** Explains an error of the SDK, the system or a service to the user; a StoreError is returned as it is. */
export function credentialFault(cause: unknown, explanation: Explanation): StoreError {
  if (cause instanceof StoreError) return cause;
  const { failure, service, advice, network = 'check the network and the proxy' } = explanation;
  const { status, isForeign } = faultOf(cause);
  const why = reasonOf(cause);
  if (isUnreachable(cause) || isBrokenOff(cause, status))
    return new StoreError('unreachable', `${failure}, since ${service} can't be reached (${why}): ${network}`, {
      cause,
    });
  if (isForeign)
    return new StoreError(
      'malformed-reply',
      `${failure}, since ${service} answered ${status ?? ''} with a reply that is not its own: check the proxy and the network`,
      { cause },
    );
  return new StoreError('credentials', `${failure} (${why}): ${advice}`, { cause });
}

/** System errors about files have a path; those about connections don't. */
function isBrokenOff(cause: unknown, status: number | undefined): boolean {
  return isError(cause) && status === undefined && codeOf(cause) !== '' && !('path' in cause);
}

/** Enough for nearly every error message of a service. */
const MOST_CHARACTERS = 500;

function reasonOf(cause: unknown): string {
  if (!isError(cause)) return printable(String(cause));
  const { name, message } = cause;
  const isNameless = name === 'Error' || name === 'CredentialsProviderError' || name === 'TokenProviderError';
  const text = message.trim().replaceAll(/\s+/g, ' ').slice(0, MOST_CHARACTERS);
  return printable(isNameless ? text : `${name}: ${text}`);
}

// The credentials of an ECS task or an EKS pod. The SDK's own provider ignores proxies and hides the answer.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html

const ECS_ADDRESS = 'http://169.254.170.2';

/** The service is on this machine. */
const CONNECT_TIMEOUT_MS = 1000;

/** @returns the URL that the environment names @throws StoreError if the token must not be sent there */
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

/** The addresses to which the SDK, too, allows plain HTTP. */
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
  // A proxy could not reach this machine's own address.
  const direct = new Transport({ ...LIMITS, connectTimeoutMs: CONNECT_TIMEOUT_MS }, { isProxied: false });
  const connection = { retries, signal, transport: url.protocol === 'http:' ? direct : transport };
  const { Token: SessionToken, ...fields } = await askService(connection, () => questionTo(url));
  const identity = identityIn({ ...fields, SessionToken });
  if (identity === undefined) throw new Error('the reply has no AccessKeyId and SecretAccessKey');
  return identity;
}

/** @returns the credentials in a JSON object with AWS's field names; undefined if it has none */
export function identityIn(fields: Readonly<Record<string, unknown>>): AwsCredentialIdentity | undefined {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = fields;
  if (!isText(AccessKeyId) || !isText(SecretAccessKey)) return undefined;
  return defined({
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: textIn(SessionToken),
    expiration: isText(Expiration) ? new Date(Expiration) : undefined,
  });
}

async function questionTo(url: URL): Promise<Question> {
  const file = variable('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE');
  // Kubernetes replaces the file while the pod runs.
  const token = file === undefined ? undefined : (await readFile(file, 'utf8')).trim();
  const authorization = token ?? variable('AWS_CONTAINER_AUTHORIZATION_TOKEN');
  return { url, headers: defined({ authorization }) };
}
