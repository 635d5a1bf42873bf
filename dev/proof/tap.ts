import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** `before`: the request has arrived, without effect so far. `after`: it took effect, but its reply is not sent yet. */
export type TapTime = 'before' | 'after';

/** A request on its way through a tap. */
export interface TappedRequest {
  /** Counts from 1, in the order in which complete requests arrived. */
  readonly sequence: number;
  readonly operation: string;
  /** Path and query as on the wire, decoded. */
  readonly target: string;
  readonly bodyBytes: number;
  /** Undefined if the server was not asked or has not answered. */
  status: number | undefined;
}

/** Decides about each request twice; a promise delays it. A dropped request goes no further: its connection breaks. */
export type Intercept = (request: TappedRequest, time: TapTime) => Promise<'pass' | 'drop'>;

/**
 * A proxy between the action and an S3 server that sees every request and can stop it, before or after its effect.
 * Bodies are kept in memory.
 */
export class Tap implements AsyncDisposable {
  readonly requests: TappedRequest[] = [];
  readonly #upstream: URL;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #intercept: Intercept;
  #live = 0;

  private constructor(upstream: string, intercept: Intercept) {
    this.#upstream = new URL(upstream);
    this.#intercept = intercept;
    this.#server = createServer((message, response) => void this.#serve(message, response));
    this.#server.keepAliveTimeout = 0;
  }

  static async open(upstream: string, intercept: Intercept = async () => 'pass'): Promise<Tap> {
    const tap = new Tap(upstream, intercept);
    await once(tap.#server.listen(0, '127.0.0.1'), 'listening');
    return tap;
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  /** Waits until no request is in progress: a server may still be working for a dead client. */
  async idle(): Promise<void> {
    while (this.#live > 0) await new Promise((done) => setTimeout(done, 1));
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#live += 1;
    try {
      await this.#relay(message, response);
    } catch {
      // The client or the server is gone: either appears as a broken connection.
      response.destroy();
    } finally {
      this.#live -= 1;
    }
  }

  async #relay(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(message);
    const tapped = this.#note(message, body);
    if ((await this.#intercept(tapped, 'before')) === 'drop') return void response.destroy();
    const reply = await this.#forward(message, body);
    const content = await buffer(reply);
    tapped.status = reply.statusCode;
    if ((await this.#intercept(tapped, 'after')) === 'drop') return void response.destroy();
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    response.end(message.method === 'HEAD' ? undefined : content);
  }

  #note(message: IncomingMessage, body: Uint8Array): TappedRequest {
    const { method = 'GET', url = '/', headers } = message;
    const tapped: TappedRequest = {
      sequence: this.requests.length + 1,
      operation: operationOf(method, url, 'x-amz-copy-source' in headers),
      target: decodeURIComponent(url),
      bodyBytes: body.length,
      status: undefined,
    };
    this.requests.push(tapped);
    return tapped;
  }

  /** With the signed headers, including `host`. */
  #forward({ method, url, headers }: IncomingMessage, body: Uint8Array): Promise<IncomingMessage> {
    const { expect: _expect, connection: _connection, 'transfer-encoding': _encoding, ...signed } = headers;
    const length = body.length > 0 || method === 'PUT' ? { 'content-length': body.length } : {};
    const { hostname, port } = this.#upstream;
    const options = { agent: this.#agent, hostname, port, method, path: url, headers: { ...signed, ...length } };
    return new Promise((done, failed) => request(options).on('response', done).on('error', failed).end(body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
  }
}

/** S3's name for the operation of a request, as far as the action uses it. */
function operationOf(method: string, url: string, isCopy: boolean): string {
  const { searchParams } = new URL(url, 'http://tap');
  if (method === 'GET' && searchParams.has('list-type')) return 'ListObjectsV2';
  if (method === 'GET' && searchParams.has('uploads')) return 'ListMultipartUploads';
  if (method === 'GET') return 'GetObject';
  if (method === 'HEAD') return 'HeadObject';
  if (method === 'DELETE') return 'AbortMultipartUpload';
  if (method === 'POST') return searchParams.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
  if (searchParams.has('partNumber')) return 'UploadPart';
  return isCopy ? 'CopyObject' : 'PutObject';
}
