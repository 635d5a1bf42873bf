import type { IncomingMessage } from 'node:http';

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
    message.on('error', reject);
    const headers = headersOf(message);
    const refuse = (): void => void message.destroy(new OversizedReplyError({ status, headers }, mostBytes));
    if (announcedBytes > mostBytes) return refuse();
    message.on('data', (chunk: Buffer) => {
      if (body.receivedBytes + chunk.length > mostBytes) return refuse();
      body.add(chunk);
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
    if (typeof value === 'string') named[name] = value;
  }
  return named;
}
