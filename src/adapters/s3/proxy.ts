import type { Agent, AgentOptions } from 'node:http';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';
import { InputError } from '../../errors.ts';

/**
 * The proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name for a server.
 *
 * @param url of the server
 * @returns the proxy's URL, or undefined where the server is reached directly
 */
export function proxyFor(url: string): string | undefined {
  const proxy = getProxyForUrl(url);
  if (proxy === '' || URL.canParse(proxy)) return proxy === '' ? undefined : proxy;
  // The value is not shown: it may have a password in it.
  throw new InputError(
    `The proxy that the environment names for ${url} is no URL: give HTTPS_PROXY and HTTP_PROXY one such as 'http://proxy.example.com:3128'`,
  );
}

interface ProxyOptions extends AgentOptions {
  /** Of the server. */
  readonly protocol: string;
  readonly connectTimeoutMs: number;
}

/** The agent that goes through a proxy: by `CONNECT` for https, by the request's own line for http. */
export function proxyAgent(proxy: string, { protocol, connectTimeoutMs, ...options }: ProxyOptions): Agent {
  return protocol === 'http:'
    ? plainAgent(new HttpProxyAgent(proxy, options), connectTimeoutMs)
    : tunnellingAgent(new HttpsProxyAgent(proxy, options), connectTimeoutMs);
}

function plainAgent(agent: HttpProxyAgent<string>, timeoutMs: number): Agent {
  const connect = agent.connect.bind(agent);
  agent.connect = (request, options) => within(timeoutMs, agent, () => connect(request, options));
  return agent;
}

function tunnellingAgent(agent: HttpsProxyAgent<string>, timeoutMs: number): Agent {
  const connect = agent.connect.bind(agent);
  agent.connect = (request, options) => within(timeoutMs, agent, () => connect(request, options));
  // Left to itself it guesses from the call stack, wrongly for a connection that is put back: none is used again then.
  return Object.assign(agent, { isSecureEndpoint: () => true });
}

/** A proxy that does not answer would keep its connection open, and with it the process. */
async function within<Socket>(
  timeoutMs: number,
  { connectOpts }: { readonly connectOpts: object },
  connect: () => Promise<Socket>,
): Promise<Socket> {
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
