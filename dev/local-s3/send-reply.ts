import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CutDelivery, Reply } from './reply.ts';

/**
 * Sends a reply, or as much of it as a fault allows.
 *
 * @param extraHeaders the headers of every reply
 * @returns when all of it has been passed to the system, or the connection is gone
 */
export async function sendReply(
  response: ServerResponse<IncomingMessage>,
  reply: Reply,
  extraHeaders: Readonly<Record<string, string>>,
): Promise<void> {
  const { cut, status, headers, body } = reply;
  if (response.destroyed) return;
  if (cut !== undefined && cut.bodyBytes === undefined) return cutOff(response, cut, []);
  const bodiless = status === 204 || status === 304;
  const length = bodiless ? {} : { 'content-length': String(body.sizeBytes) };
  response.writeHead(status, { ...extraHeaders, ...length, ...headers });
  const sent = cut?.bodyBytes === undefined ? body : body.slice(0, cut.bodyBytes);
  const chunks = bodiless || response.req.method === 'HEAD' ? [] : sent.chunks;
  if (cut !== undefined) return cutOff(response, cut, chunks);
  if (chunks.length > 1) await pipeline(Readable.from(chunks), response);
  else await endWith(response, chunks[0]);
}

/** The number of bytes of the body to send. */
export function sentBytes(method: string, { cut, body }: Reply): number {
  if (method === 'HEAD') return 0;
  return cut === undefined ? body.sizeBytes : Math.min(cut.bodyBytes ?? 0, body.sizeBytes);
}

/** Sends the body together with the head, so that a small reply is a single packet. */
async function endWith(response: ServerResponse<IncomingMessage>, chunk: Uint8Array | undefined): Promise<void> {
  const closed = once(response, 'close');
  response.end(chunk);
  await closed;
}

async function cutOff(
  response: ServerResponse<IncomingMessage>,
  { ending }: CutDelivery,
  chunks: readonly Uint8Array[],
): Promise<void> {
  const { socket } = response;
  if (socket === null || socket.destroyed) return;
  const closed = once(socket, 'close');
  if (ending === 'reset') socket.resetAndDestroy();
  else {
    response.flushHeaders();
    for (const chunk of chunks) response.write(chunk);
    if (ending === 'close') socket.destroySoon();
  }
  await closed;
}
