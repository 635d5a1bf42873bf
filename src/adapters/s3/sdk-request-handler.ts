import { HttpResponse } from '@smithy/core/protocols';
import type { HttpRequest } from '@smithy/types';
import { headersOf } from './reply.ts';
import type { Transport } from './transport.ts';

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
