import { createServer, type Server, type Socket } from 'node:net';

/** What the server writes after a request, and whether it then closes the connection. */
export interface RawReply {
  readonly text: string;
  readonly closes?: boolean;
  /** Writes it byte by byte, with this pause in between. */
  readonly pauseMs?: number;
}

const TIMES = 'Date: Wed, 25 Nov 2026 00:00:00 GMT\r\nLast-Modified: Wed, 25 Nov 2026 00:00:00 GMT\r\n';
/** The headers of a valid reply. */
export const HEADERS = `${TIMES}ETag: "e"\r\n`;

export function replyOf(body: string, status = '200 OK', headers = HEADERS): string {
  return `HTTP/1.1 ${status}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** A server that answers with any bytes, even if they are not HTTP. */
export class RawServer implements AsyncDisposable {
  /** Request lines. */
  readonly lines: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(answer: (line: string, index: number) => RawReply | undefined) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      let received = '';
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1');
        for (let end = endOf(received); end !== -1; end = endOf(received)) {
          const line = received.slice(0, received.indexOf('\r\n'));
          received = received.slice(end);
          const reply = answer(line, this.lines.push(line) - 1);
          if (reply?.pauseMs !== undefined) drip(socket, reply.text, reply.pauseMs);
          else if (reply !== undefined) socket.write(reply.text);
          if (reply?.closes) socket.end();
        }
      });
    });
  }

  /** @param answer gets a request's first line and the number of earlier requests; undefined sends nothing */
  static async start(answer: (line: string, index: number) => RawReply | undefined): Promise<RawServer> {
    const server = new RawServer(answer);
    await new Promise<void>((done) => server.#server.listen(0, '127.0.0.1', done));
    return server;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  /** Writes to every connection, even if no request is waiting there. */
  write(text: string): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }
}

function drip(socket: Socket, text: string, pauseMs: number): void {
  let sent = 0;
  const timer = setInterval(() => socket.write(text.charAt(sent++)), pauseMs);
  socket.once('close', () => clearInterval(timer));
}

/** @returns the end of the first complete request, or -1 */
function endOf(received: string): number {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) return -1;
  const length = /^content-length: (\d+)$/im.exec(received.slice(0, headEnd))?.[1] ?? '0';
  const end = headEnd + 4 + Number(length);
  return received.length < end ? -1 : end;
}
