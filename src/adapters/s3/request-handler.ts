import { type AgentOptions, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { HttpRequest } from '@smithy/core/protocols';
import { NodeHttpHandler, type NodeHttpHandlerOptions } from '@smithy/node-http-handler';
import { LIMITS, type Limits } from './limits.ts';
import { proxyAgents, proxyFor } from './proxy.ts';

type Timeouts = Pick<Limits, 'connectTimeoutMs' | 'silenceTimeoutMs'>;
type HandlerOptions = Parameters<NodeHttpHandler['handle']>[1];

/** No bound on connections: one would make requests wait for a connection, and that counts as connecting. */
const AGENT_OPTIONS: AgentOptions = { keepAlive: true };

/** How requests go out: over kept-alive connections, through a proxy where the environment names one for the host. */
export class RequestHandler extends NodeHttpHandler {
  readonly #timeouts: NodeHttpHandlerOptions;
  /** By the proxy's URL. */
  readonly #proxied = new Map<string, NodeHttpHandler>();

  constructor({ connectTimeoutMs, silenceTimeoutMs }: Timeouts = LIMITS) {
    const timeouts = { connectionTimeout: connectTimeoutMs, socketTimeout: silenceTimeoutMs };
    const agents = { httpAgent: new HttpAgent(AGENT_OPTIONS), httpsAgent: new HttpsAgent(AGENT_OPTIONS) };
    super({ ...timeouts, ...agents });
    this.#timeouts = timeouts;
  }

  override async handle(request: HttpRequest, options?: HandlerOptions) {
    const { protocol, hostname, port } = request;
    const proxy = await proxyFor(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
    return proxy === undefined ? super.handle(request, options) : this.#through(proxy).handle(request, options);
  }

  #through(proxy: string): NodeHttpHandler {
    const known = this.#proxied.get(proxy);
    if (known !== undefined) return known;
    const handler = new NodeHttpHandler(async () => ({
      ...this.#timeouts,
      ...(await proxyAgents(proxy, AGENT_OPTIONS)),
    }));
    this.#proxied.set(proxy, handler);
    return handler;
  }
}
