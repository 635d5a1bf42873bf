import type { Link, LinkName } from './link.ts';
import { limitLoopback } from './own-network.ts';
import { startProxyProcess } from './proxy-process.ts';

const ROUND_TRIP_MS = 25;

export class Links implements AsyncDisposable {
  readonly all: readonly Link[];
  readonly #resources: AsyncDisposableStack;

  private constructor(all: readonly Link[], resources: AsyncDisposableStack) {
    this.all = all;
    this.#resources = resources;
  }

  /** @param endpoint of a server on this machine */
  static async open(names: readonly LinkName[], endpoint: string): Promise<Links> {
    await using resources = new AsyncDisposableStack();
    const links: Link[] = [];
    for (const name of names)
      if (name === 'loopback') links.push({ name, endpoint });
      else if (name === '2gbit') links.push({ name, endpoint, slowDown: limitLoopback });
      else links.push({ name, endpoint: resources.use(await startProxyProcess(endpoint, ROUND_TRIP_MS)).endpoint });
    return new Links(links, resources.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
