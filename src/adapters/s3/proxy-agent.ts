import type { Agent, AgentOptions } from 'node:http';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';

/** The agent that goes through a proxy: by `CONNECT` for https, by the request's own line for http. */
export function proxyAgent(proxy: string, protocol: string, options: AgentOptions): Agent {
  if (protocol === 'http:') return new HttpProxyAgent<string>(proxy, options);
  // Left to itself it guesses from the call stack, wrongly for a connection that is put back: none is used again then.
  return Object.assign(new HttpsProxyAgent<string>(proxy, options), { isSecureEndpoint: () => true });
}
