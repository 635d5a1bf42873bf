import type { Agent, AgentOptions, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { StoreError } from '../errors.ts';
import { codeOf } from '../text.ts';
import type { ProxyServer } from './proxy-variables.ts';
import { PROXY_UNAVAILABLE } from './reply.ts';

/** Of a proxy that wants to know who asks: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.8 */
const AUTHENTICATION_STATUS = 407;

/** A way to a server that leads through a proxy. */
export interface ProxyWay {
  readonly agent: Agent;
  /** The error for a reply that is the proxy's own. */
  readonly refusal: (reply: IncomingMessage) => Error | undefined;
}

interface ProxyOptions extends AgentOptions {
  readonly connectTimeoutMs: number;
}

/** @returns the way to a server through a proxy: by `CONNECT` for https, by the request's own line for http */
export function wayThrough(
  proxy: ProxyServer,
  serverUrl: string,
  { connectTimeoutMs, ...options }: ProxyOptions,
): ProxyWay {
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
    // Without it a proxy that serves several names by TLS doesn't know which certificate is wanted.
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

  /** The base class guesses from the call stack, wrongly for a connection that is put back: none is used again then. */
  override isSecureEndpoint(): boolean {
    return true;
  }

  /** @throws Error for any answer but 200: the base class would pass it on as if the server had given it */
  override async connect(...[request, options]: ConnectArguments<HttpsProxyAgent<string>>) {
    let status: number | undefined;
    request.once('proxyConnect', (answer: { readonly statusCode: number }) => {
      status = answer.statusCode;
    });
    const connecting = within(this.#timeoutMs, this.connectOpts, () => super.connect(request, options));
    const socket = await connecting.catch((error: Error) => {
      // One that speaks no TLS must not pass for a server that doesn't.
      throw ['', 'EPROTO'].includes(codeOf(error)) ? brokenOff(this.#proxy, error) : error;
    });
    if (status === 200) return socket;
    socket.destroy();
    // Not a number: the answer was no HTTP.
    if (status === undefined || Number.isNaN(status)) throw brokenOff(this.#proxy);
    throw connectError(this.#proxy, `${options.host}:${options.port}`, status);
  }
}

/** A proxy that does not answer would keep its connection open, and with it the process. */
async function within<Socket>(timeoutMs: number, connectOpts: object, connect: () => Promise<Socket>): Promise<Socket> {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), timeoutMs);
  // Read before anything is waited for.
  Object.assign(connectOpts, { signal: ending.signal });
  try {
    return await connect();
  } finally {
    clearTimeout(timer);
  }
}

/** Whether another attempt may succeed: the proxy is busy, or could not reach the server just now. */
function isPassing(status: number): boolean {
  return status >= 500 || status === 408 || status === 429;
}

function connectError(proxy: ProxyServer, server: string, status: number): Error {
  if (status === AUTHENTICATION_STATUS) return authenticationError(proxy, server);
  const answer = `${nameOf(proxy)} answered ${status} to CONNECT`;
  return isPassing(status)
    ? Object.assign(new Error(answer), { code: PROXY_UNAVAILABLE })
    : new StoreError(
        'unreachable',
        `${server} can't be reached: ${answer}: have the proxy allow that server, or add it to NO_PROXY`,
      );
}

function authenticationError(proxy: ProxyServer, server: string): StoreError {
  const { url, variable } = proxy;
  const advice =
    url.username === '' && url.password === ''
      ? `give it a name and a password in ${variable}, as in 'http://name:password@proxy.example.com:3128'`
      : `check the name and the password in ${variable}`;
  const answer = `${nameOf(proxy)} answered ${AUTHENTICATION_STATUS}`;
  return new StoreError('unreachable', `${server} can't be reached: ${answer}: ${advice}`);
}

function brokenOff(proxy: ProxyServer, cause?: Error): Error {
  const message = `${nameOf(proxy)} gave no valid answer to CONNECT`;
  return Object.assign(new Error(message, { cause }), { code: 'ECONNRESET' });
}

/** Without name and password. */
function nameOf({ url }: ProxyServer): string {
  return `the proxy ${url.protocol}//${url.host}`;
}
