import type { Agent, AgentOptions, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { StoreError } from '../errors.ts';
import { codeOf } from '../text.ts';
import type { ProxyServer } from './proxy-variables.ts';
import { PROXY_UNAVAILABLE } from './reply.ts';

/** Proxy Authentication Required. https://www.rfc-editor.org/rfc/rfc9110#section-15.5.8 */
const AUTHENTICATION_STATUS = 407;

/** A route to a server through a proxy. */
export interface ProxyRoute {
  readonly agent: Agent;
  /** The error for a reply that comes from the proxy itself. */
  readonly refusal: (reply: IncomingMessage) => Error | undefined;
}

interface ProxyOptions extends AgentOptions {
  readonly connectTimeoutMs: number;
}

/** @returns the route to a server through a proxy: a `CONNECT` tunnel for https, forwarded requests for http */
export function routeThrough(
  proxy: ProxyServer,
  serverUrl: string,
  { connectTimeoutMs, ...options }: ProxyOptions,
): ProxyRoute {
  const { protocol, host } = new URL(serverUrl);
  return {
    agent:
      protocol === 'http:'
        ? new ForwardingAgent(proxy, connectTimeoutMs, options)
        : new TunnellingAgent(proxy, connectTimeoutMs, options),
    refusal: ({ statusCode }) => (statusCode === AUTHENTICATION_STATUS ? authenticationError(proxy, host) : undefined),
  };
}

type ConnectArguments<Kind extends HttpProxyAgent<string> | HttpsProxyAgent<string>> = Parameters<Kind['connect']>;

class ForwardingAgent extends HttpProxyAgent<string> {
  readonly #timeoutMs: number;

  constructor({ url }: ProxyServer, timeoutMs: number, options: AgentOptions) {
    super(url, options);
    this.#timeoutMs = timeoutMs;
    // A proxy that serves several names over TLS needs this to choose its certificate.
    if (isIP(this.connectOpts.host ?? '') === 0) Object.assign(this.connectOpts, { servername: this.connectOpts.host });
  }

  override connect(...[request, options]: ConnectArguments<HttpProxyAgent<string>>) {
    return within(this.#timeoutMs, this.connectOpts, () => super.connect(request, options));
  }
}

class TunnellingAgent extends HttpsProxyAgent<string> {
  readonly #proxy: ProxyServer;
  readonly #timeoutMs: number;

  constructor(proxy: ProxyServer, timeoutMs: number, options: AgentOptions) {
    super(proxy.url, options);
    this.#proxy = proxy;
    this.#timeoutMs = timeoutMs;
  }

  /** The base class guesses from the call stack, and guesses wrong when a connection is freed: none would be reused. */
  override isSecureEndpoint(): boolean {
    return true;
  }

  /** @throws Error for any answer but 200, which the base class would pass on as the server's */
  override async connect(...[request, options]: ConnectArguments<HttpsProxyAgent<string>>) {
    let status: number | undefined;
    request.once('proxyConnect', (answer: { readonly statusCode: number }) => {
      status = answer.statusCode;
    });
    const connecting = within(this.#timeoutMs, this.connectOpts, () => super.connect(request, options));
    const socket = await connecting.catch((error: Error) => {
      // A proxy that does not speak TLS must not be taken for a server that does not.
      throw ['', 'EPROTO'].includes(codeOf(error)) ? brokenOff(this.#proxy, error) : error;
    });
    if (status === 200) return socket;
    socket.destroy();
    // NaN: the answer was not HTTP.
    if (status === undefined || Number.isNaN(status)) throw brokenOff(this.#proxy);
    throw connectError(this.#proxy, `${options.host}:${options.port}`, status);
  }
}

/** Limits how long connecting to a proxy takes: one that never answers would keep the process alive. */
async function within<Socket>(timeoutMs: number, connectOpts: object, connect: () => Promise<Socket>): Promise<Socket> {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), timeoutMs);
  // `connect` reads the options synchronously.
  Object.assign(connectOpts, { signal: ending.signal });
  try {
    return await connect();
  } finally {
    clearTimeout(timer);
  }
}

function connectError(proxy: ProxyServer, server: string, status: number): Error {
  if (status === AUTHENTICATION_STATUS) return authenticationError(proxy, server);
  const answer = `${nameOf(proxy)} answered ${status} to CONNECT`;
  // A retry may succeed: the proxy is busy, or could not reach the server just now.
  if (status >= 500 || status === 408 || status === 429)
    return Object.assign(new Error(answer), { code: PROXY_UNAVAILABLE });
  const advice = 'have the proxy allow that server, or add it to NO_PROXY';
  return new StoreError('unreachable', `${server} can't be reached: ${answer}: ${advice}`);
}

function authenticationError(proxy: ProxyServer, server: string): StoreError {
  const { url, variable } = proxy;
  const advice =
    url.username === '' && url.password === ''
      ? `give a user name and a password in ${variable}, as in 'http://name:password@proxy.example.com:3128'`
      : `check the user name and the password in ${variable}`;
  const answer = `${nameOf(proxy)} answered ${AUTHENTICATION_STATUS}`;
  return new StoreError('unreachable', `${server} can't be reached: ${answer}: ${advice}`);
}

function brokenOff(proxy: ProxyServer, cause?: Error): Error {
  const message = `${nameOf(proxy)} gave no valid answer to CONNECT`;
  return Object.assign(new Error(message, { cause }), { code: 'ECONNRESET' });
}

/** Without user name and password. */
function nameOf({ url }: ProxyServer): string {
  return `the proxy ${url.protocol}//${url.host}`;
}
