import type { IncomingMessage } from 'node:http';
import { parseXML } from '@aws-sdk/xml-builder';

/** A reply read whole. */
export interface Reply {
  readonly status: number;
  /** By lowercase name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A reply that is longer than anything that could answer the request. */
export class OversizedReplyError extends Error {
  override name = 'OversizedReplyError';
  readonly $metadata: { readonly httpStatusCode: number };

  constructor(status: number, mostBytes: number) {
    super(`the reply has more than ${mostBytes} bytes`);
    this.$metadata = { httpStatusCode: status };
  }
}

export interface Reading {
  /** What is read at most; the connection of a longer reply is closed. */
  readonly mostBytes: number;
  /** Where the body goes if it has just as many bytes. */
  readonly into?: Uint8Array | undefined;
}

/**
 * Reads a reply whole, as far as it is not too long.
 *
 * @throws OversizedReplyError; the system's error where the reply broke off
 */
export function readReply(message: IncomingMessage, { mostBytes, into }: Reading): Promise<Reply> {
  const { statusCode: status = 0 } = message;
  const announcedBytes = Number(message.headers['content-length'] ?? Number.NaN);
  const body = new ReplyBody(announcedBytes, into);
  return new Promise((resolve, reject) => {
    const refuse = (): void => void message.destroy(new OversizedReplyError(status, mostBytes));
    message.on('error', reject);
    message.on('data', (chunk: Buffer) => {
      if (body.receivedBytes + chunk.length > mostBytes) return refuse();
      body.add(chunk);
    });
    message.on('end', () => resolve({ status, headers: headersOf(message), body: body.whole() }));
    if (announcedBytes > mostBytes) refuse();
  });
}

/** A body on its way. Where its length is known, it is put together as it comes: that takes half the memory. */
class ReplyBody {
  receivedBytes = 0;
  readonly #lengthBytes: number;
  readonly #chunks: Buffer[] = [];
  #whole: Uint8Array | undefined;

  /** @param lengthBytes NaN where it is not known @param into where it goes if it has just as many bytes */
  constructor(lengthBytes: number, into: Uint8Array | undefined) {
    this.#lengthBytes = lengthBytes;
    if (into?.length === lengthBytes) this.#whole = into;
  }

  add(chunk: Buffer): void {
    if (this.#whole !== undefined || chunk.length < this.#lengthBytes) {
      this.#whole ??= Buffer.allocUnsafeSlow(this.#lengthBytes);
      this.#whole.set(chunk, this.receivedBytes);
    } else this.#chunks.push(chunk);
    this.receivedBytes += chunk.length;
  }

  whole(): Uint8Array {
    if (this.#whole !== undefined) return this.#whole;
    const [first] = this.#chunks;
    return first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
  }
}

/** By lowercase name; what only cookies have, several values, is left out. */
export function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const named: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (typeof value === 'string') named[name] = value;
  return named;
}

/** What the server answered instead of doing it; shaped as the SDK's own errors are, so that both are told alike. */
export class ReplyError extends Error {
  readonly $metadata: { readonly httpStatusCode: number; clockSkewCorrected?: boolean };
  readonly $response: Pick<Reply, 'headers'>;
  /** Only of a reply that is no error document of S3. */
  readonly $responseBodyText: string | undefined;
  readonly Region: string | undefined;

  constructor({ status, headers, body }: Reply) {
    const fields = errorFields(body);
    super(fields.Message ?? `status ${status} without an explanation`);
    this.name = fields.Code ?? `Status${status}`;
    this.$metadata = { httpStatusCode: status };
    this.$response = { headers };
    this.$responseBodyText = fields.Code === undefined && body.length > 0 ? Buffer.from(body).toString() : undefined;
    this.Region = fields.Region;
  }
}

type ErrorFields = Partial<Record<'Code' | 'Message' | 'Region', string>>;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
function errorFields(body: Uint8Array): ErrorFields {
  try {
    return texts(parseXml(body, 'Error') ?? {});
  } catch {
    // A page of something in between: its status says all there is to say.
    return {};
  }
}

function texts(fields: Readonly<Record<string, unknown>>): ErrorFields {
  const entries = Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(entries);
}

/** A parsed element: texts, elements, and lists of either where a name occurs more than once. */
export type XmlElement = Readonly<Record<string, unknown>>;

/**
 * @param root the name that the document's element must have
 * @returns its children by name; undefined where the document has another root
 * @throws Error where it is no XML
 */
export function parseXml(body: Uint8Array, root: string): XmlElement | undefined {
  const document: unknown = parseXML(Buffer.from(body).toString('utf8'));
  const element = isElement(document) ? document[root] : undefined;
  return isElement(element) ? element : undefined;
}

export function isElement(value: unknown): value is XmlElement {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
