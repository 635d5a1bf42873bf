import { setTimeout as sleep } from 'node:timers/promises';
import { Content } from './content.ts';
import { isSts } from './operation.ts';
import { emptyReply, errorReply, RESET_REPLY, type Reply } from './reply.ts';
import type { LoggedRequest } from './request-log.ts';
import type { S3Request } from './s3-request.ts';
import { stsErrorReply } from './sts-error.ts';

/** `before`, the default: the request has no effect. `after`: it takes effect, but the client doesn't get the reply. */
export type FaultTime = 'before' | 'after';

/** A fault of one request. */
export type FaultAction =
  /** An error document; `status: 200` is how CopyObject and CompleteMultipartUpload fail late. */
  | {
      readonly kind: 'error';
      readonly status: number;
      readonly code: string;
      readonly message?: string;
      readonly when?: FaultTime;
    }
  /** Any reply; the body is empty if absent. */
  | {
      readonly kind: 'reply';
      readonly status: number;
      readonly body?: string | Uint8Array;
      readonly headers?: Readonly<Record<string, string>>;
      readonly when?: FaultTime;
    }
  /** The connection is reset; with `after`, the reply is lost. */
  | { readonly kind: 'reset'; readonly when?: FaultTime }
  | { readonly kind: 'delay'; readonly ms: number; readonly when?: FaultTime }
  /** The request takes effect, but the reply waits until the promise settles. */
  | { readonly kind: 'hold'; readonly until: () => Promise<unknown> }
  /** The head and the first bytes of the body (0 by default) arrive, then nothing; the connection stays open. */
  | { readonly kind: 'stall'; readonly afterBytes?: number }
  /** As `stall`, but the connection closes. */
  | { readonly kind: 'truncate'; readonly afterBytes?: number }
  /** One bit of the reply's body, by its offset (0 by default), is flipped. */
  | { readonly kind: 'flip-bit'; readonly bit?: number }
  /** The server ignores headers or query parameters, as if it didn't support them. */
  | { readonly kind: 'ignore'; readonly headers?: readonly string[]; readonly query?: readonly string[] }
  /** The request takes effect, and its reply is changed in any other way. */
  | { readonly kind: 'rewrite'; readonly rewrite: (reply: Reply) => Reply };

/**
 * Called for every request once its body has arrived and before anything is checked or done.
 * A promise delays the request until it settles.
 */
export type Fault = (
  request: LoggedRequest,
  body: Content,
) => FaultAction | undefined | Promise<FaultAction | undefined>;

/**
 * Performs a request with a fault.
 *
 * @param perform performs the request at once, and returns the honest reply
 * @param closing aborts a delay when the server closes
 */
export async function performUnderFault(
  action: FaultAction | undefined,
  request: S3Request,
  { perform, closing }: { perform: (request: S3Request) => Reply; closing: AbortSignal },
): Promise<Reply> {
  if (action === undefined) return perform(request);
  if (action.kind === 'ignore') return perform(overlook(request, action));
  if (action.kind === 'delay' && action.when !== 'after') await sleep(action.ms, undefined, { signal: closing });
  const substitute = substituteReply(action, request);
  if (substitute !== undefined && !('when' in action && action.when === 'after')) return substitute;
  const honest = perform(request);
  if (action.kind === 'delay' && action.when === 'after') await sleep(action.ms, undefined, { signal: closing });
  if (action.kind === 'hold') await action.until();
  return substitute ?? spoil(honest, action);
}

function substituteReply(action: FaultAction, request: S3Request): Reply | undefined {
  switch (action.kind) {
    case 'reset':
      return RESET_REPLY;
    case 'error': {
      const { status, code, message = `${code}, as the fault hook wants it` } = action;
      return isSts(request) ? stsErrorReply({ status, code, message }) : errorReply({ status, code, message });
    }
    case 'reply':
      return { ...emptyReply(action.status, action.headers), body: Content.from(action.body ?? '') };
    default:
      return undefined;
  }
}

function spoil(reply: Reply, action: FaultAction): Reply {
  switch (action.kind) {
    case 'stall':
      return { ...reply, cut: { bodyBytes: action.afterBytes ?? 0, ending: 'stall' } };
    case 'truncate':
      return { ...reply, cut: { bodyBytes: action.afterBytes ?? 0, ending: 'close' } };
    case 'flip-bit':
      return { ...reply, body: flipBit(reply.body, action.bit ?? 0) };
    case 'rewrite':
      return action.rewrite(reply);
    default:
      return reply;
  }
}

function flipBit(content: Content, bit: number): Content {
  const bytes = content.bytes();
  const offset = bit >>> 3;
  const byte = bytes[offset];
  if (byte !== undefined) bytes[offset] = byte ^ (1 << (bit & 7));
  return new Content([bytes]);
}

function overlook(
  request: S3Request,
  { headers = [], query = [] }: Extract<FaultAction, { kind: 'ignore' }>,
): S3Request {
  const without = (fields: Readonly<Record<string, string>>, names: readonly string[]) =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
  return { ...request, headers: without(request.headers, headers), query: without(request.query, query) };
}
