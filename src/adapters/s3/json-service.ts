import { HttpRequest } from '@smithy/core/protocols';
import { defined } from '../../core/defined.ts';
import type { CredentialContext } from './identity.ts';
import type { Reply } from './reply.ts';
import { withRetries } from './retry.ts';

// Services that hand out credentials and tokens in JSON, and refuse in JSON or in a line of text.

const MOST_REPLY_BYTES = 1024 ** 2;

export interface Question {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * @param question asked anew for each attempt
 * @returns the fields of the reply
 * @throws ServiceError; the system's error where no reply came, after every retry
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

/** What was answered instead; shaped as the SDK's own errors are, so that both are told alike. */
export class ServiceError extends Error {
  readonly $metadata: { readonly httpStatusCode: number };
  /** Only of a page of something in between. */
  readonly $responseBodyText: string | undefined;

  constructor({ status, body }: Reply) {
    const text = body.toString().trim();
    const { Code, code, Message, message } = fieldsOf(body) ?? {};
    const isPage = text.startsWith('<') || (status === 200 && fieldsOf(body) === undefined);
    const [line = ''] = isPage ? [] : text.split(/\r?\n/);
    super(
      [Code ?? code, Message ?? message].filter((part) => typeof part === 'string').join(': ') ||
        line ||
        'no reason given',
    );
    this.name = `Status${status}`;
    this.$metadata = { httpStatusCode: status };
    this.$responseBodyText = isPage ? text : undefined;
  }
}

function fieldsOf(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}
