import type { IncomingMessage } from 'node:http';
import { parseXML } from '@aws-sdk/xml-builder';
import type { SdkError } from '@smithy/types';
import type { OnBytes } from '../ports.ts';
import { isError, isObject, isText, textIn } from '../text.ts';

/** Status and headers of a reply. */
export interface ReplyHead {
  readonly status: number;
  /** By lowercase name. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A complete reply. */
export interface Reply extends ReplyHead {
  readonly body: Buffer;
}

/** The reply is longer than any valid answer to the request. */
export class OversizedReplyError extends Error {
  override name = 'OversizedReplyError';
  readonly $metadata: { readonly httpStatusCode: number };
  readonly head: ReplyHead;

  constructor(head: ReplyHead, mostBytes: number) {
    super(`the reply has more than ${mostBytes} bytes`);
    this.$metadata = { httpStatusCode: head.status };
    this.head = head;
  }
}

interface Reading {
  /** A reply with a longer body is not read, and its connection is closed. */
  readonly mostBytes: number;
  /** Memory for the body, used if it has exactly the same length. */
  readonly into?: Uint8Array | undefined;
  readonly onBytes?: OnBytes | undefined;
}

/**
 * Reads a complete reply.
 *
 * @throws OversizedReplyError; the system's error if the reply breaks off
 */
export function readReply(message: IncomingMessage, { mostBytes, into, onBytes }: Reading): Promise<Reply> {
  const { statusCode: status = 0 } = message;
  const announcedBytes = Number(message.headers['content-length'] ?? Number.NaN);
  const body = new ReplyBody(announcedBytes, into);
  return new Promise((resolve, reject) => {
    message.on('error', reject);
    const headers = headersOf(message);
    const refuse = (): void => void message.destroy(new OversizedReplyError({ status, headers }, mostBytes));
    if (announcedBytes > mostBytes) return refuse();
    message.on('data', (chunk: Buffer) => {
      if (body.receivedBytes + chunk.length > mostBytes) return refuse();
      body.add(chunk);
      onBytes?.(chunk.length);
    });
    message.on('end', () => resolve({ status, headers, body: body.whole() }));
  });
}

/**
 * Collects a body. If its length is known, the chunks are copied into one buffer as they arrive, which halves the
 * memory.
 */
class ReplyBody {
  receivedBytes = 0;
  readonly #lengthBytes: number;
  readonly #chunks: Buffer[] = [];
  #whole: Buffer | undefined;

  /** @param lengthBytes NaN if not known @param into memory for the body, used if it has exactly this length */
  constructor(lengthBytes: number, into: Uint8Array | undefined) {
    this.#lengthBytes = lengthBytes;
    if (into?.length === lengthBytes) this.#whole = Buffer.from(into.buffer, into.byteOffset, lengthBytes);
  }

  add(chunk: Buffer): void {
    if (this.#whole !== undefined || chunk.length < this.#lengthBytes) {
      this.#whole ??= Buffer.allocUnsafeSlow(this.#lengthBytes);
      this.#whole.set(chunk, this.receivedBytes);
    } else this.#chunks.push(chunk);
    this.receivedBytes += chunk.length;
  }

  whole(): Buffer {
    if (this.#whole !== undefined) return this.#whole;
    const [first] = this.#chunks;
    return first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
  }
}

/** @returns the headers by lowercase name, without those that have several values: only cookies do */
function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const named: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (isText(value)) named[name] = value;
  }
  return named;
}

/** A parsed element: its children are texts, elements, or lists of either if a name occurs more than once. */
export type XmlElement = Readonly<Record<string, unknown>>;

/**
 * Parses a reply whose required fields are checked afterwards.
 *
 * @param root the name of the document element
 * @returns its children by name; none if the document has another root or is not XML
 */
export function readXml(body: Buffer, root: string): XmlElement {
  try {
    const document: unknown = parseXML(body.toString('utf8'));
    const element = isObject(document) ? document[root] : undefined;
    return isObject(element) ? element : {};
  } catch {
    return {};
  }
}

/** @returns the children with this name, which the parser makes a list only if there are several */
export function elementsOf(element: XmlElement, name: string): XmlElement[] {
  const value = element[name];
  return (Array.isArray(value) ? value : [value]).filter(isObject);
}

/** @returns the text of a child that occurs once; undefined if there is none, or it contains elements */
export function textOf(element: XmlElement, name: string): string | undefined {
  return textIn(element[name]);
}

/**
 * The server refused the request. Shaped like the SDK's own errors, so that both are reported the same way.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
export class ReplyError extends Error {
  readonly $metadata: { readonly httpStatusCode: number; clockSkewCorrected?: boolean };
  readonly $response: Pick<Reply, 'headers'>;
  /** Only if the reply is not an S3 error document. */
  readonly $responseBodyText: string | undefined;
  readonly Region: string | undefined;

  constructor({ status, headers, body }: Reply) {
    // For a proxy's page, the status has to do.
    const fields = readXml(body, 'Error');
    const code = textOf(fields, 'Code');
    super(textOf(fields, 'Message') ?? `status ${status} without an explanation`);
    this.name = code ?? `Status${status}`;
    this.$metadata = { httpStatusCode: status };
    this.$response = { headers };
    this.$responseBodyText = code === undefined && body.length > 0 ? body.toString() : undefined;
    this.Region = textOf(fields, 'Region');
  }
}

/** The SDK's classifiers take any error: the fields of a reply are optional. */
export function isSdkError(error: unknown): error is SdkError {
  return isError(error);
}

/** The code of the error for a proxy that could not connect to the server just now. */
export const PROXY_UNAVAILABLE = 'PROXY_UNAVAILABLE';
