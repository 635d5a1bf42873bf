import { performance } from 'node:perf_hooks';
import type { Operation } from './operation.ts';
import type { S3Request } from './s3-request.ts';

/** One request, as the server saw it. */
export interface LoggedRequest {
  /** Counts from 1, in the order of arrival. */
  readonly sequence: number;
  readonly operation: Operation;
  readonly method: string;
  /** The path as on the wire, with its query. */
  readonly target: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** The form of an STS request. */
  readonly parameters: Readonly<Record<string, string>>;
  /** As claimed, whether the signature is valid or not. */
  readonly accessKeyId: string | undefined;
  /** Undefined if no reply was begun. */
  readonly status: number | undefined;
  readonly errorCode: string | undefined;
  /** Sizes of the bodies on the wire. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number;
  /** Undefined while the request is live. */
  readonly endedAt: number | undefined;
}

export type LogEntry = { -readonly [Name in keyof LoggedRequest]: LoggedRequest[Name] };

/** The requests of a server, in the order of arrival. */
export class RequestLog {
  readonly requests: LogEntry[] = [];
  #sequence = 0;

  begin(request: S3Request, operation: Operation): LogEntry {
    this.#sequence += 1;
    const { method, rawPath, rawQuery, bucket, key, query, headers } = request;
    const target = rawQuery === '' ? rawPath : `${rawPath}?${rawQuery}`;
    const entry: LogEntry = {
      sequence: this.#sequence,
      operation,
      method,
      target,
      bucket,
      key,
      query,
      headers,
      parameters: {},
      accessKeyId: claimedKey(request),
      status: undefined,
      errorCode: undefined,
      bytesReceived: 0,
      bytesSent: 0,
      startedAt: performance.now(),
      endedAt: undefined,
    };
    this.requests.push(entry);
    return entry;
  }

  clear(): void {
    this.requests.length = 0;
  }
}

/** The largest number of requests in progress at once. */
export function peakConcurrency(requests: readonly Pick<LoggedRequest, 'startedAt' | 'endedAt'>[]): number {
  const changes = requests.flatMap(({ startedAt, endedAt = Number.POSITIVE_INFINITY }) => [
    { time: startedAt, change: 1 },
    { time: endedAt, change: -1 },
  ]);
  // An end and a start at the same instant don't overlap.
  changes.sort((a, b) => a.time - b.time || a.change - b.change);
  let live = 0;
  let peak = 0;
  for (const { change } of changes) {
    live += change;
    peak = Math.max(peak, live);
  }
  return peak;
}

function claimedKey({ headers, query }: S3Request): string | undefined {
  const header = /Credential=([^/,\s]+)\//.exec(headers.authorization ?? '');
  return header?.[1] ?? query['X-Amz-Credential']?.split('/')[0];
}
