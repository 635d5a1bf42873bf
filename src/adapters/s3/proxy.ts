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

/** The agent that goes through a proxy: by `CONNECT` for https, by the request's own line for http. */
export function proxyAgent(proxy: string, protocol: string, options: AgentOptions): Agent {
  if (protocol === 'http:') return new HttpProxyAgent<string>(proxy, options);
  // Left to itself it guesses from the call stack, wrongly for a connection that is put back: none is used again then.
  return Object.assign(new HttpsProxyAgent<string>(proxy, options), { isSecureEndpoint: () => true });
}
