import type { IncomingMessage } from 'node:http';

/** Names in lower case; the values of a repeated header are joined by commas. */
export type Headers = Readonly<Record<string, string>>;

/** The contents of a request, before anything is checked. */
export interface S3Request {
  readonly method: string;
  /** As on the wire: signatures cover these bytes, never a normalised form. */
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly headers: Headers;
  readonly query: Readonly<Record<string, string>>;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  /** Whether the target or the query can't be decoded. */
  readonly malformed: boolean;
}

/** Reads the request line and the headers; supports both path style and `bucket.localhost`. */
export function parseRequest(message: IncomingMessage): S3Request {
  const target = message.url ?? '/';
  const mark = target.indexOf('?');
  const rawPath = mark < 0 ? target : target.slice(0, mark);
  const rawQuery = mark < 0 ? '' : target.slice(mark + 1);
  const headers = joinHeaders(message.rawHeaders);
  const basics = { method: message.method ?? 'GET', rawPath, rawQuery, headers };
  try {
    const query = Object.fromEntries(parseQuery(rawQuery));
    return { ...basics, query, ...locate(rawPath, headers.host), malformed: false };
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return { ...basics, query: {}, bucket: undefined, key: undefined, malformed: true };
  }
}

/**
 * The pairs of a query string, or of a form body.
 *
 * @throws {URIError} if a percent escape is malformed
 */
export function parseQuery(rawQuery: string): [name: string, value: string][] {
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      return equals < 0
        ? [decodeQueryText(pair), '']
        : [decodeQueryText(pair.slice(0, equals)), decodeQueryText(pair.slice(equals + 1))];
    });
}

function decodeQueryText(text: string): string {
  return decodeURIComponent(text.replaceAll('+', '%20'));
}

function joinHeaders(rawHeaders: readonly string[]): Headers {
  const headers: Record<string, string> = {};
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? '';
    const value = rawHeaders[i + 1] ?? '';
    const earlier = headers[name];
    headers[name] = earlier === undefined ? value : `${earlier},${value}`;
  }
  return headers;
}

function locate(rawPath: string, host: string | undefined): Pick<S3Request, 'bucket' | 'key'> {
  const path = decodeURIComponent(rawPath.slice(1));
  const virtualHost = /^(.+)\.localhost(?::\d+)?$/.exec(host ?? '');
  if (virtualHost?.[1] !== undefined) return { bucket: virtualHost[1], key: path === '' ? undefined : path };
  const slash = path.indexOf('/');
  if (slash < 0) return { bucket: path === '' ? undefined : path, key: undefined };
  return { bucket: path.slice(0, slash), key: slash + 1 === path.length ? undefined : path.slice(slash + 1) };
}
