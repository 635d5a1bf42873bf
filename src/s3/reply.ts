import type { IncomingMessage } from 'node:http';
import { parseXML } from '@aws-sdk/xml-builder';
import type { SdkError } from '@smithy/types';
import type { OnBytes } from '../ports.ts';
import { isError, isObject, isText, textIn } from '../text.ts';

/** What a reply begins with. */
export interface ReplyHead {
  readonly status: number;
  /** By lowercase name. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A reply read whole. */
export interface Reply extends ReplyHead {
  readonly body: Buffer;
}

/** A reply that is longer than anything that could answer the request. */
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
  /** What is read at most; the connection of a longer reply is closed. */
  readonly mostBytes: number;
  /** Where the body goes if it has just as many bytes. */
  readonly into?: Uint8Array | undefined;
  readonly onBytes?: OnBytes | undefined;
}

/**
 * Reads a reply whole, as far as it is not too long.
 *
 * @throws OversizedReplyError; the system's error where the reply broke off
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

/** A body on its way. Where its length is known, it is put together as it comes: that takes half the memory. */
class ReplyBody {
  receivedBytes = 0;
  readonly #lengthBytes: number;
  readonly #chunks: Buffer[] = [];
  #whole: Buffer | undefined;

  /** @param lengthBytes NaN where it is not known @param into where it goes if it has just as many bytes */
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

/** By lowercase name; what only cookies have, several values, is left out. */
export function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const named: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (isText(value)) named[name] = value;
  }
  return named;
}

/** A parsed element: texts, elements, and lists of either where a name occurs more than once. */
export type XmlElement = Readonly<Record<string, unknown>>;

/**
 * @param root the name that the document's element must have
 * @returns its children by name; undefined where the document has another root
 * @throws Error where it is no XML
 */
export function parseXml(body: Buffer, root: string): XmlElement | undefined {
  const document: unknown = parseXML(body.toString('utf8'));
  const element = isObject(document) ? document[root] : undefined;
  return isObject(element) ? element : undefined;
}

/**
 * As {@link parseXml}, of a reply that is then asked for its fields.
 *
 * @returns an element without children where the document has another root, or is no XML
 */
export function readXml(body: Buffer, root: string): XmlElement {
  try {
    return parseXml(body, root) ?? {};
  } catch {
    return {};
  }
}

/** @returns the children of a name: an element that occurs once is not a list */
export function elementsOf(element: XmlElement, name: string): XmlElement[] {
  const value = element[name];
  return (Array.isArray(value) ? value : [value]).filter(isObject);
}

/** @returns the text of a child that occurs once; undefined where there is none, or it has elements */
export function textOf(element: XmlElement, name: string): string | undefined {
  return textIn(element[name]);
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
    this.$responseBodyText = fields.Code === undefined && body.length > 0 ? body.toString() : undefined;
    this.Region = fields.Region;
  }
}

type ErrorFields = Partial<Record<'Code' | 'Message' | 'Region', string | undefined>>;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
function errorFields(body: Buffer): ErrorFields {
  // Of a page of something in between, the status says all there is to say.
  const fields = readXml(body, 'Error');
  return { Code: textOf(fields, 'Code'), Message: textOf(fields, 'Message'), Region: textOf(fields, 'Region') };
}

/** What the SDK's parts classify: any error, with the fields of a reply where there was one. */
export function isSdkError(error: unknown): error is SdkError {
  return isError(error);
}

/** The code of an error that says a proxy could not connect to the server just now. */
export const PROXY_UNAVAILABLE = 'PROXY_UNAVAILABLE';
