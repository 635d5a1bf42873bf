import type { Agent, AgentOptions, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { buildQueryString, HttpResponse } from '@smithy/core/protocols';
import type { HttpRequest } from '@smithy/types';
import { once, type Turns, turns } from '../async.ts';
import type { OnBytes } from '../ports.ts';
import type { ProxyWay } from './proxy.ts';
import { headersOf, type Reply, readReply } from './reply.ts';

const GIB = 1024 ** 3;

/** Bounds that S3 and networks set, not the user; tests have smaller ones. */
export interface Limits {
  /** Until a connection is there. */
  readonly connectTimeoutMs: number;
  /** Without a byte on a connection that a request is waiting on. */
  readonly silenceTimeoutMs: number;
  /** CopyObject takes no larger source. */
  readonly copiedAtOnceBytes: number;
  /** Copies move no bytes here, so large parts cost nothing but a longer retry. */
  readonly copiedPartBytes: number;
}

/** A server that makes one object of others, and says nothing meanwhile, moves at least as many. */
const SLOWEST_BYTES_A_MS = 10_000;

/** @returns how long a server may be silent that has to move bytes before it can answer */
export function silenceFor({ silenceTimeoutMs }: Pick<Limits, 'silenceTimeoutMs'>, sizeBytes: number): number {
  return Math.ceil(silenceTimeoutMs + sizeBytes / SLOWEST_BYTES_A_MS);
}

/** On a link that is slower, one exchange would hold a step for longer than a build takes. */
const SLOWEST_LINK_BYTES_A_MS = 65.536;

/** @returns how long an exchange of so many bytes, in both directions, may take from its begin to its end */
export function exchangeMs(silenceMs: number, sizeBytes: number): number {
  return Math.ceil(silenceMs + sizeBytes / SLOWEST_LINK_BYTES_A_MS);
}

export const LIMITS: Limits = {
  connectTimeoutMs: 5000,
  silenceTimeoutMs: 60_000,
  copiedAtOnceBytes: 5 * GIB,
  copiedPartBytes: GIB / 4,
};

/** Where none of them is set, nothing that has to do with proxies is loaded. */
const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'all_proxy'] as const;

type Timeouts = Pick<Limits, 'connectTimeoutMs' | 'silenceTimeoutMs'>;

interface SendOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long the server may be silent, where it has more to do than to answer. */
  readonly silenceMs?: number | undefined;
  /** Of the body, in whichever direction there is one. */
  readonly onBytes?: OnBytes | undefined;
}

export interface ExchangeOptions extends SendOptions {
  /** What a reply may have at most; a longer one is not read. */
  readonly mostBytes: number;
  /** Where the body goes if it has as many bytes; else into memory of its own. */
  readonly into?: Uint8Array | undefined;
}

interface TransportOptions {
  readonly isProxied?: boolean;
  /** How many exchanges at once; undefined where whoever sends them has a limit. */
  readonly mostAtOnce?: number | undefined;
}

/**
 * How requests go out: over kept-alive connections, through a proxy where the environment names one for the host. A
 * connection that does not come about, or falls silent, ends the request.
 */
export class Transport {
  /** How far the clock of the server that answered last is ahead of this machine's. */
  clockOffsetMs = 0;
  readonly #timeouts: Timeouts;
  readonly #isProxied: boolean;
  readonly #turns: Turns | undefined;
  /** By server. */
  readonly #ways = new Map<string, () => Promise<Way>>();
  readonly #underWay = new WeakMap<AbortSignal, Set<ClientRequest>>();

  constructor(timeouts: Timeouts = LIMITS, { isProxied = true, mostAtOnce }: TransportOptions = {}) {
    this.#timeouts = timeouts;
    this.#isProxied = isProxied;
    this.#turns = mostAtOnce === undefined ? undefined : turns(mostAtOnce);
  }

  /**
   * Sends a request, once, and reads the reply whole: only then is its connection free for the next one.
   *
   * @throws the system's error where no whole reply came, OversizedReplyError for one that is too long
   */
  exchange(request: HttpRequest, options: ExchangeOptions): Promise<Reply> {
    const exchange = () => this.#exchange(request, options);
    return this.#turns === undefined ? exchange() : this.#turns.take(exchange);
  }

  async #exchange(request: HttpRequest, { mostBytes, into, ...options }: ExchangeOptions): Promise<Reply> {
    const message = await this.send(request, options);
    // The reply to a HEAD tells the length of what it does not bring.
    const reading = {
      into,
      onBytes: options.onBytes,
      mostBytes: request.method === 'HEAD' ? Number.POSITIVE_INFINITY : mostBytes,
    };
    return readReply(message, reading);
  }

  /**
   * Sends a request, once.
   *
   * @returns the reply as soon as it begins; whoever gets it reads it
   */
  async send(
    request: HttpRequest,
    { signal, silenceMs: timeout = this.#timeouts.silenceTimeoutMs, onBytes }: SendOptions = {},
  ): Promise<IncomingMessage> {
    const { http, agent, refusal } = await this.#wayTo(request);
    signal?.throwIfAborted();
    const options = { ...optionsOf(request), agent, timeout };
    const underWay = signal && this.#underWayWith(signal);
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
      underWay?.add(outgoing);
      outgoing.on('error', reject);
      const end = (error: Error): void => {
        // Whoever reads the reply would else be told of a broken connection.
        reply?.destroy(error);
        outgoing.destroy(error);
      };
      outgoing.once('timeout', () => end(silent(timeout)));
      limitExchange(outgoing, { silenceMs: timeout, bodyBytes: lengthOf(request.body), end });
      outgoing.once('close', () => {
        underWay?.delete(outgoing);
        // Of a server that switches to another protocol there is neither a reply nor an error.
        if (reply === undefined) reject(brokenOff());
      });
      if (!outgoing.reusedSocket) this.#limitConnecting(outgoing, reject);
      sendBody(outgoing, request.body, onBytes);
    });
  }

  #readClock({ headers: { date = '' } }: IncomingMessage): void {
    const serverMs = Date.parse(date);
    if (!Number.isNaN(serverMs)) this.clockOffsetMs = serverMs - Date.now();
  }

  /** One listener for all requests of a signal: one for each would cost a tenth of what a request does. */
  #underWayWith(signal: AbortSignal): Set<ClientRequest> {
    const known = this.#underWay.get(signal);
    if (known !== undefined) return known;
    const underWay = new Set<ClientRequest>();
    this.#underWay.set(signal, underWay);
    signal.addEventListener('abort', () => {
      for (const each of underWay) each.destroy(new DOMException('The request was aborted', 'AbortError'));
    });
    return underWay;
  }

  /** Until a request could be written. Behind a proxy there is no socket before that has answered. */
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

  /** Found out once for each server. */
  #wayTo({ protocol, hostname, port }: HttpRequest): Promise<Way> {
    const server = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
    const known = this.#ways.get(server) ?? once(() => this.#findWay(protocol, server));
    this.#ways.set(server, known);
    return known();
  }

  async #findWay(protocol: string, server: string): Promise<Way> {
    // TLS takes as long to load as all else that a check needs, so it is loaded only where it is spoken.
    const http = process.getBuiltinModule(protocol === 'https:' ? 'node:https' : 'node:http');
    // No bound on connections: one would make requests wait for a connection, and that counts as connecting.
    const options: AgentOptions = { keepAlive: true, timeout: this.#timeouts.silenceTimeoutMs };
    const direct = { http, agent: new http.Agent(options) };
    if (!this.#isProxied || !PROXY_VARIABLES.some((name) => process.env[name] || process.env[name.toUpperCase()]))
      return direct;
    const { proxyFor } = await import('./proxy-variables.ts');
    const proxy = proxyFor(server);
    if (proxy === undefined) return direct;
    const { wayThrough } = await import('./proxy.ts');
    return { http, ...wayThrough(proxy, server, { ...options, connectTimeoutMs: this.#timeouts.connectTimeoutMs }) };
  }
}

const PIECE_BYTES = 512 * 1024;

/** A body goes out piece by piece where someone wants to know how far it is. */
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

/** Node's module that speaks to a server, and its connections. */
interface Way {
  readonly http: typeof import('node:http') | typeof import('node:https');
  readonly agent: Agent;
  readonly refusal?: ProxyWay['refusal'];
}

function optionsOf({ method, hostname, port, path, query, headers }: HttpRequest): RequestOptions {
  const search = buildQueryString(query ?? {});
  return {
    method,
    // Node takes an IPv6 address without its brackets.
    host: hostname.replace(/^\[|\]$/g, ''),
    ...(port === undefined ? {} : { port }),
    path: search === '' ? path : `${path}?${search}`,
    headers,
  };
}

function brokenOff(): Error {
  return Object.assign(new Error('the connection was closed without a reply'), { code: 'ECONNRESET' });
}

/** The name of the error of an exchange that took longer than its bytes ask for. */
export const TOO_SLOW = 'TooSlowError';

interface ExchangeLimit {
  readonly silenceMs: number;
  /** Of the request. */
  readonly bodyBytes: number;
  readonly end: (error: Error) => void;
}

/**
 * Ends an exchange that takes longer than its bytes ask for: a peer that sends or takes a byte now and then is never
 * silent. One that sends no more past that time is left to the socket's own timeout, since silence may pass.
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

/** @returns the error of a peer that sends nothing */
function silent(silenceMs: number): Error {
  return timedOut(`timed out after ${silenceMs} ms of inactivity`);
}

/** Not tried again: it took longer than a step can wait. */
function tooSlow(message: string): Error {
  return Object.assign(new Error(message), { name: TOO_SLOW });
}

/** Named as the SDK's retry strategy knows it. */
function timedOut(message: string): Error {
  return Object.assign(new Error(message), { name: 'TimeoutError' });
}

/** The transport as the SDK's clients call it: they read the body of a reply themselves. */
export class SdkRequestHandler {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async handle(
    request: HttpRequest,
    {
      abortSignal,
      requestTimeout: silenceMs,
    }: { readonly abortSignal?: unknown; readonly requestTimeout?: number } = {},
  ): Promise<{ response: HttpResponse }> {
    const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined;
    const message = await this.#transport.send(request, { signal, silenceMs });
    const { statusCode = 0, statusMessage: reason = '' } = message;
    return { response: new HttpResponse({ statusCode, reason, headers: headersOf(message), body: message }) };
  }

  /** Of the SDK's contract: its clients configure nothing here. */
  updateHttpClientConfig(): void {}

  httpHandlerConfigs(): Record<string, never> {
    return {};
  }
}
