import { HttpRequest } from '@smithy/core/protocols';
import { defined } from '../../core/defined.ts';
import { printable } from '../../core/printable.ts';
import { StoreError } from '../../errors.ts';
import { addressOf } from './endpoint.ts';
import { storeFault } from './faults.ts';
import { LIMITS } from './limits.ts';
import type { Reply } from './reply.ts';
import { ReplyError } from './reply-error.ts';
import { withRetries } from './retry.ts';
import { isUnreachable, type PatientRetryStrategy } from './retry-strategy.ts';
import type { StoreSettings } from './settings.ts';
import { Transport } from './transport.ts';

/** Any region's server names the right one; of servers that have no regions, this is the usual name. */
const FIRST_REGION = 'us-east-1';

/** Of a HEAD, or of what stands in between. */
const MOST_REPLY_BYTES = 1024 ** 2;

/** In a closed network a step should say soon that the region can be given instead. */
const CONNECT_WITHIN_MS = 3000;

interface Way {
  readonly transport: Transport;
  readonly retries: () => Promise<PatientRetryStrategy>;
  readonly signal: AbortSignal;
}

/**
 * Asks the bucket for its region, without a signature: the answer carries it even where access is denied.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
 *
 * @throws StoreError where AWS knows no such bucket, or nothing answers
 */
export async function findRegion(settings: StoreSettings, { transport, retries, signal }: Way): Promise<string> {
  const { bucket, endpointUrl } = settings;
  const { host, port, ...address } = addressOf(settings, FIRST_REGION, '');
  const request = new HttpRequest({ method: 'HEAD', ...address, headers: { host }, ...defined({ port }) });
  const isAws = endpointUrl === undefined;
  const way = isAws ? new Transport({ ...LIMITS, connectTimeoutMs: CONNECT_WITHIN_MS }) : transport;
  const reply = await withRetries(retries, signal, async () => {
    try {
      return settled(await way.exchange(request, { mostBytes: MOST_REPLY_BYTES, signal }));
    } catch (error) {
      // A network that swallows packets would do so again.
      throw isAws && isTimeout(error) ? noRegion(bucket, host, error) : error;
    }
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    if (isAws && isUnreachable(error)) throw noRegion(bucket, host, error);
    throw storeFault(error, { what: `find the region of s3://${bucket}`, permissions: '' }, { bucket, host });
  });
  const region = reply.headers['x-amz-bucket-region'];
  if (region !== undefined) return region;
  if (endpointUrl !== undefined) return FIRST_REGION;
  throw new StoreError(
    'no-such-bucket',
    `AWS does not say in which region the bucket '${bucket}' is (status ${reply.status}): check bucket, or set aws-region`,
  );
}

function isTimeout(error: unknown): boolean {
  return Error.isError(error) && error.name === 'TimeoutError';
}

function noRegion(bucket: string, host: string, cause: unknown): StoreError {
  const why = Error.isError(cause) ? printable(cause.message || cause.name) : '';
  return new StoreError(
    'unreachable',
    `Could not find the region of s3://${bucket}, since ${host} can't be reached (${why}): set aws-region, or check the network and the proxy`,
    { cause },
  );
}

/** A server that is busy has not answered yet. */
function settled(reply: Reply): Reply {
  const isBusy = reply.status === 429 || reply.status >= 500;
  if (isBusy && reply.headers['x-amz-bucket-region'] === undefined) throw new ReplyError(reply);
  return reply;
}
