import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

interface Refusal {
  readonly status: number;
  readonly body: string;
}

/** A proxy that forwards all requests, for any host, to one port of this machine. */
export class ForwardProxy implements AsyncDisposable {
  /** Request lines, such as `GET http://s3.internal/bucket` and `CONNECT s3.internal:443`. */
  readonly lines: string[] = [];
  readonly authorizations: (string | undefined)[] = [];
  connectionCount = 0;
  /** Answers instead of forwarding; called with the number of earlier requests. 'close' closes the connection. */
  refusal: ((index: number) => Refusal | 'close' | undefined) | undefined;
  readonly #server: Server;
  readonly #port: number;
  readonly #tunnels = new Set<Duplex>();

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((incoming, response) => this.#forward(incoming, response));
    this.#server.on('connection', () => {
      this.connectionCount += 1;
    });
    this.#server.on('connect', (incoming, socket) => this.#tunnel(incoming, socket));
  }

  /** @param port the port that all requests are forwarded to */
  static async start(port: number): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(port);
    await new Promise<void>((done) => proxy.#server.listen(0, '127.0.0.1', done));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** @returns the refusal, if it is refused */
  #note({ method, url, headers }: IncomingMessage): Refusal | 'close' | undefined {
    this.authorizations.push(headers['proxy-authorization']);
    const index = this.lines.push(`${method} ${url}`) - 1;
    return this.refusal?.(index);
  }

  #forward(incoming: IncomingMessage, response: ServerResponse): void {
    const refusal = this.#note(incoming);
    if (refusal === 'close') return void response.destroy();
    if (refusal !== undefined) return void response.writeHead(refusal.status).end(refusal.body);
    const { method, headers, url = '' } = incoming;
    const { 'proxy-connection': _, 'proxy-authorization': __, ...others } = headers;
    // The path must be forwarded byte for byte, or the signature would no longer match.
    const path = url.replace(/^http:\/\/[^/]+/, '');
    const outgoing = request({ port: this.#port, method, path, headers: others }, (reply) => {
      response.writeHead(reply.statusCode ?? 500, reply.rawHeaders);
      reply.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  }

  #tunnel(incoming: IncomingMessage, socket: Duplex): void {
    const refusal = this.#note(incoming);
    if (refusal === 'close') return void socket.end();
    if (refusal !== undefined) return void socket.end(`HTTP/1.1 ${refusal.status} No\r\n\r\n${refusal.body}`);
    const target: Socket = connect(this.#port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    this.#tunnels.add(socket).add(target);
    for (const [from, to] of [
      [socket, target],
      [target, socket],
    ] as const)
      from.on('error', () => to.destroy()).pipe(to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tunnel of this.#tunnels) tunnel.destroy();
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
