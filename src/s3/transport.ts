import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { buildQueryString, HttpResponse } from '@smithy/core/protocols';
import type { HttpRequest } from '@smithy/types';
import { once, type Semaphore, semaphore } from '../async.ts';
import type { OnBytes } from '../ports.ts';
import type { ProxyRoute } from './proxy.ts';
import { type Reply, readReply } from './reply.ts';

const GIB = 1024 ** 3;

/** Limits set by S3 and networks, not by the user; tests use smaller ones. */
export interface Limits {
  /** For connecting, including the proxy and TLS. */
  readonly connectTimeoutMs: number;
  /** Without a byte while a request waits for its reply. */
  readonly silenceTimeoutMs: number;
  /** The largest source that CopyObject accepts. */
  readonly copiedAtOnceBytes: number;
  /** The server moves the bytes of copies, so the only cost of large parts is a longer retry. */
  readonly copiedPartBytes: number;
}

/** The least that a server moves while it copies or assembles an object without sending a byte. */
const SLOWEST_BYTES_A_MS = 10_000;

/** @returns how long a server may be silent if it has to move `sizeBytes` before it answers */
export function silenceFor({ silenceTimeoutMs }: Pick<Limits, 'silenceTimeoutMs'>, sizeBytes: number): number {
  return Math.ceil(silenceTimeoutMs + sizeBytes / SLOWEST_BYTES_A_MS);
}

/** On a slower link, one exchange would take longer than a build. */
const SLOWEST_LINK_BYTES_A_MS = 65.536;

/** @returns how long an exchange may take in all; `sizeBytes` counts both directions */
export function exchangeMs(silenceMs: number, sizeBytes: number): number {
  return Math.ceil(silenceMs + sizeBytes / SLOWEST_LINK_BYTES_A_MS);
}

export const LIMITS: Limits = {
  connectTimeoutMs: 5000,
  silenceTimeoutMs: 60_000,
  copiedAtOnceBytes: 5 * GIB,
  copiedPartBytes: GIB / 4,
};

/** If none of them is set, the modules for proxies are not loaded. */
const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'all_proxy'] as const;

type Timeouts = Pick<Limits, 'connectTimeoutMs' | 'silenceTimeoutMs'>;

export interface ExchangeOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long the server may be silent, if it has to move bytes before it answers. */
  readonly silenceMs?: number | undefined;
  /** Called with the bytes of the body, in either direction. */
  readonly onBytes?: OnBytes | undefined;
  /** A reply with a longer body is not read. */
  readonly mostBytes?: number | undefined;
  /** Memory for the body, used if it has exactly the same length. */
  readonly into?: Uint8Array | undefined;
}

/** Enough for an error document or a listing of a thousand objects. */
const MOST_REPLY_BYTES = 16 * 1024 ** 2;

interface TransportOptions {
  readonly isProxied?: boolean;
  /** Exchanges at once; undefined if the caller limits them. */
  readonly mostAtOnce?: number | undefined;
}

/**
 * Sends requests over keep-alive connections, through the proxy that the environment names for the host, if any. A
 * request fails if its connection takes too long or falls silent.
 */
export class Transport {
  /** How far the clock of the last server that answered is ahead of this machine's. */
  clockOffsetMs = 0;
  readonly #timeouts: Timeouts;
  readonly #isProxied: boolean;
  readonly #semaphore: Semaphore | undefined;
  /** By server. */
  readonly #routes = new Map<string, () => Promise<Route>>();
  #nextTurn = Promise.resolve();
  readonly #inFlight = new WeakMap<AbortSignal, Set<ClientRequest>>();

  constructor(timeouts: Timeouts = LIMITS, { isProxied = true, mostAtOnce }: TransportOptions = {}) {
    this.#timeouts = timeouts;
    this.#isProxied = isProxied;
    this.#semaphore = mostAtOnce === undefined ? undefined : semaphore(mostAtOnce);
  }

  /**
   * Sends a request once and reads the complete reply; only then is its connection free for the next request.
   *
   * @throws OversizedReplyError; the system's error if no complete reply came
   */
  exchange(request: HttpRequest, options: ExchangeOptions): Promise<Reply> {
    const exchange = () => this.#exchange(request, options);
    return this.#semaphore === undefined ? exchange() : this.#semaphore.take(exchange);
  }

  async #exchange(request: HttpRequest, options: ExchangeOptions): Promise<Reply> {
    const { mostBytes = MOST_REPLY_BYTES, into, onBytes } = options;
    const message = await this.#send(request, options);
    // The Content-Length of a HEAD is that of a body that does not come.
    const mostBodyBytes = request.method === 'HEAD' ? Number.POSITIVE_INFINITY : mostBytes;
    return readReply(message, { mostBytes: mostBodyBytes, into, onBytes });
  }

  /** @returns the reply as soon as it begins */
  async #send(
    request: HttpRequest,
    { signal, silenceMs: timeout = this.#timeouts.silenceTimeoutMs, onBytes }: ExchangeOptions,
  ): Promise<IncomingMessage> {
    const { http, agent, refusal } = await this.#routeTo(request);
    await this.#takeTurn();
    signal?.throwIfAborted();
    const options = { ...optionsOf(request), agent, timeout };
    const inFlight = signal && this.#inFlightWith(signal);
    return new Promise((resolve, reject) => {
      let reply: IncomingMessage | undefined;
      const outgoing = http.request(options, (message) => {
        reply = message;
        const refused = refusal?.(message);
        if (refused === undefined) {
          this.#readClock(message);
          return resolve(message);
        }
        message.destroy();
        reject(refused);
      });
      inFlight?.add(outgoing);
      outgoing.on('error', reject);
      const end = (error: Error): void => {
        // Otherwise the reader of the reply would get a misleading error about a broken connection.
        reply?.destroy(error);
        outgoing.destroy(error);
      };
      outgoing.once('timeout', () => end(timedOut(`timed out after ${timeout} ms of inactivity`)));
      limitExchange(outgoing, { silenceMs: timeout, bodyBytes: lengthOf(request.body), end });
      outgoing.once('close', () => {
        inFlight?.delete(outgoing);
        // If a server switches to another protocol, there is neither a reply nor an error.
        if (reply === undefined) reject(brokenOff());
      });
      if (!outgoing.reusedSocket) this.#limitConnecting(outgoing, reject);
      sendBody(outgoing, request.body, onBytes);
    });
  }

  /**
   * Requests begin one after another, each in a turn of the event loop of its own, so that those of a burst use the
   * connections of earlier ones if replies come fast. If they don't, all have begun before the first reply.
   */
  #takeTurn(): Promise<void> {
    const turn = this.#nextTurn;
    this.#nextTurn = turn.then(() => new Promise((resolve) => void setImmediate(resolve)));
    return turn;
  }

  #readClock({ headers: { date = '' } }: IncomingMessage): void {
    const serverMs = Date.parse(date);
    if (!Number.isNaN(serverMs)) this.clockOffsetMs = serverMs - Date.now();
  }

  /** All requests of a signal share one listener: a listener each would take a tenth of the time of a request. */
  #inFlightWith(signal: AbortSignal): Set<ClientRequest> {
    const known = this.#inFlight.get(signal);
    if (known !== undefined) return known;
    const inFlight = new Set<ClientRequest>();
    this.#inFlight.set(signal, inFlight);
    signal.addEventListener('abort', () => {
      for (const each of inFlight) each.destroy(new DOMException('The request was aborted', 'AbortError'));
    });
    return inFlight;
  }

  /** Limits the time until the request can be written. With a proxy, that includes the proxy's answer. */
  #limitConnecting(outgoing: ClientRequest, reject: (error: Error) => void): void {
    const { connectTimeoutMs } = this.#timeouts;
    const timer = setTimeout(() => {
      const error = timedOut(`there was no connection within ${connectTimeoutMs} ms`);
      outgoing.destroy(error);
      reject(error);
    }, connectTimeoutMs);
    const stop = (): void => clearTimeout(timer);
    outgoing.once('close', stop);
    outgoing.once('socket', (socket) => {
      const isSecuring = 'secureConnecting' in socket && socket.secureConnecting === true;
      if (isSecuring) socket.once('secureConnect', stop);
      else if (socket.connecting) socket.once('connect', stop);
      else stop();
    });
  }

  /** Determined once for each server. */
  #routeTo({ protocol, hostname, port }: HttpRequest): Promise<Route> {
    const server = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
    const known = this.#routes.get(server) ?? once(() => this.#findRoute(protocol, server));
    this.#routes.set(server, known);
    return known();
  }

  async #findRoute(protocol: string, server: string): Promise<Route> {
    // TLS takes as long to load as everything else that a check needs, so it is loaded only for https.
    const isSecure = protocol === 'https:';
    const http = process.getBuiltinModule(isSecure ? 'node:https' : 'node:http');
    // No limit on connections: a request that waits for a free one would run into the connect timeout.
    const options = {
      keepAlive: true,
      timeout: this.#timeouts.silenceTimeoutMs,
      // Otherwise each connection makes its own, which is a fifth of the work of connecting.
      ...(isSecure && { secureContext: process.getBuiltinModule('node:tls').createSecureContext() }),
    };
    const direct = { http, agent: new http.Agent(options) };
    if (!this.#isProxied || !PROXY_VARIABLES.some((name) => process.env[name] || process.env[name.toUpperCase()]))
      return direct;
    const { proxyFor } = await import('./proxy-variables.ts');
    const proxy = proxyFor(server);
    if (proxy === undefined) return direct;
    const { routeThrough } = await import('./proxy.ts');
    return { http, ...routeThrough(proxy, server, { ...options, connectTimeoutMs: this.#timeouts.connectTimeoutMs }) };
  }
}

const PIECE_BYTES = 512 * 1024;

/** Sends the body in pieces if there is progress to report. */
function sendBody(outgoing: ClientRequest, body: HttpRequest['body'], onBytes: OnBytes | undefined): void {
  if (onBytes === undefined || !(body instanceof Uint8Array)) {
    outgoing.end(body);
    return;
  }
  const sendFrom = (position: number): void => {
    const piece = body.subarray(position, position + PIECE_BYTES);
    const next = position + piece.length;
    if (next === body.length) outgoing.end(piece, () => onBytes(piece.length));
    else
      outgoing.write(piece, (error) => {
        if (error) return;
        onBytes(piece.length);
        sendFrom(next);
      });
  };
  sendFrom(0);
}

function lengthOf(body: HttpRequest['body']): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : (body?.length ?? 0);
}

/** How a server is reached: Node's module for the protocol, and the agent that holds the connections. */
interface Route {
  readonly http: typeof import('node:http') | typeof import('node:https');
  readonly agent: Agent;
  readonly refusal?: ProxyRoute['refusal'];
}

function optionsOf({ method, hostname, port, path, query, headers }: HttpRequest): RequestOptions {
  const search = buildQueryString(query ?? {});
  return {
    method,
    // Node expects an IPv6 address without brackets.
    host: hostname.replace(/^\[|\]$/g, ''),
    ...(port === undefined ? {} : { port }),
    path: search === '' ? path : `${path}?${search}`,
    headers,
  };
}

function brokenOff(): Error {
  return Object.assign(new Error('the connection was closed without a reply'), { code: 'ECONNRESET' });
}

/** The name of the error for an exchange that took too long for its size. */
export const TOO_SLOW = 'TooSlowError';

interface ExchangeLimit {
  readonly silenceMs: number;
  /** Of the request. */
  readonly bodyBytes: number;
  readonly end: (error: Error) => void;
}

/**
 * Ends an exchange that takes too long for its size: a peer that moves a byte now and then never runs into the socket's
 * timeout. A peer that is silent when time runs out is left to that timeout, since it may still go on.
 */
function limitExchange(outgoing: ClientRequest, { silenceMs, bodyBytes, end }: ExchangeLimit): void {
  const startedSeconds = process.uptime();
  let bytesBefore = 0;
  outgoing.once('socket', ({ bytesRead }) => {
    bytesBefore = bytesRead;
  });
  let timer: NodeJS.Timeout;
  const check = (lastBytes?: number): void => {
    const receivedBytes = (outgoing.socket?.bytesRead ?? bytesBefore) - bytesBefore;
    const elapsedMs = (process.uptime() - startedSeconds) * 1000;
    const within = `within ${(elapsedMs / 1000).toFixed(1)} s`;
    const leftMs = exchangeMs(silenceMs, bodyBytes + receivedBytes) - elapsedMs;
    if (leftMs > 0) timer = setTimeout(check, leftMs);
    else if (!outgoing.writableFinished) end(tooSlow(`it did not take a request of ${bodyBytes} bytes ${within}`));
    else if (receivedBytes > (lastBytes ?? receivedBytes)) end(tooSlow(`it sent ${receivedBytes} bytes ${within}`));
    else timer = setTimeout(check, silenceMs / 10, receivedBytes);
  };
  timer = setTimeout(check, exchangeMs(silenceMs, bodyBytes));
  outgoing.once('close', () => clearTimeout(timer));
}

/** Not retried: one attempt already took longer than a step can wait. */
function tooSlow(message: string): Error {
  return Object.assign(new Error(message), { name: TOO_SLOW });
}

/** The name by which the SDK's retry strategy recognises a timeout. */
function timedOut(message: string): Error {
  return Object.assign(new Error(message), { name: 'TimeoutError' });
}

interface SdkOptions {
  readonly abortSignal?: unknown;
  readonly requestTimeout?: number;
}

/** Makes the SDK's clients send their requests like all others. */
export function sdkRequestHandler(exchange: (request: HttpRequest, options: ExchangeOptions) => Promise<Reply>) {
  return {
    async handle(request: HttpRequest, { abortSignal, requestTimeout: silenceMs }: SdkOptions = {}) {
      const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined;
      const { status, headers, body } = await exchange(request, { signal, silenceMs });
      return { response: new HttpResponse({ statusCode: status, headers, body }) };
    },
    // Part of the SDK's interface: its clients configure nothing here.
    updateHttpClientConfig: () => {},
    httpHandlerConfigs: () => ({}),
  };
}
