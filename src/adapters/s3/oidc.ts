import { HttpRequest } from '@smithy/core/protocols';
import { StoreError } from '../../errors.ts';
import type { Reply } from './reply.ts';
import { ReplyError } from './reply-error.ts';
import { withRetries } from './retry.ts';
import { PatientRetryStrategy } from './retry-strategy.ts';
import { Transport } from './transport.ts';

// GitHub's OIDC token of this job. `@actions/core` fetches it too, but with an HTTP client of 400 KB in the bundle.
// https://docs.github.com/actions/reference/security/oidc

const MOST_ATTEMPTS = 5;
const MOST_REPLY_BYTES = 1024 ** 2;

/** Whether the job may ask for a token: it has the permission `id-token: write`. */
export function hasOidc(): boolean {
  return Boolean(process.env.ACTIONS_ID_TOKEN_REQUEST_URL && process.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN);
}

/**
 * @param audience whom the token is for
 * @returns the token, a JWT
 * @throws StoreError of kind `credentials`
 */
export async function fetchOidcToken(audience: string): Promise<string> {
  const transport = new Transport();
  const request = tokenRequest(audience);
  const retries = new PatientRetryStrategy(MOST_ATTEMPTS);
  const reply = await withRetries(
    async () => retries,
    undefined,
    async () => successful(await transport.exchange(request, { mostBytes: MOST_REPLY_BYTES })),
  ).catch((cause: unknown) => {
    throw noToken(Error.isError(cause) ? `${cause.name}: ${cause.message}` : String(cause), cause);
  });
  return tokenIn(reply.body);
}

function tokenRequest(audience: string): HttpRequest {
  const url = new URL(process.env.ACTIONS_ID_TOKEN_REQUEST_URL ?? '');
  return new HttpRequest({
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    path: url.pathname,
    query: { ...Object.fromEntries(url.searchParams), audience },
    headers: {
      host: url.host,
      authorization: `Bearer ${process.env.ACTIONS_ID_TOKEN_REQUEST_TOKEN}`,
      accept: 'application/json',
    },
  });
}

function successful(reply: Reply): Reply {
  if (reply.status === 200) return reply;
  throw new ReplyError(reply);
}

function tokenIn(body: Buffer): string {
  try {
    const { value }: { value?: unknown } = JSON.parse(body.toString('utf8'));
    if (typeof value === 'string') return value;
  } catch (cause) {
    throw noToken('the reply is no JSON', cause);
  }
  throw noToken('the reply has none in it');
}

function noToken(why: string, cause?: unknown): StoreError {
  return new StoreError(
    'credentials',
    `GitHub gave no OIDC token (${why}): the job needs the permission 'id-token: write'`,
    { cause },
  );
}
