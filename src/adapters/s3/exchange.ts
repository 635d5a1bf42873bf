import type { HttpRequest } from '@smithy/core/protocols';
import { defined } from '../../core/defined.ts';
import type { Reply } from './reply.ts';
import type { RequestHandler } from './request-handler.ts';

/**
 * Sends a request, once, and reads the reply whole: only then is its connection free for the next one.
 *
 * @throws the system's error where no whole reply came
 */
export async function exchange(handler: RequestHandler, request: HttpRequest, signal?: AbortSignal): Promise<Reply> {
  const { response } = await handler.handle(request, defined({ abortSignal: signal }));
  return { status: response.statusCode, headers: response.headers, body: await read(response.body) };
}

async function read(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
