import { isIP } from 'node:net';
import { partition } from '@aws-sdk/core/client';
import { HttpRequest } from '@smithy/core/protocols';
import { withRetries } from '../async.ts';
import { StoreError } from '../errors.ts';
import { defined, isError, printable } from '../text.ts';
import type { CredentialContext } from './connection.ts';
import { storeFault } from './faults.ts';
import { type Reply, ReplyError } from './reply.ts';
import { isUnreachable } from './retry.ts';
import type { StoreSettings } from './settings.ts';
import { LIMITS, Transport } from './transport.ts';

// The server, host and path that requests go to.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html

type Addressing = Pick<StoreSettings, 'bucket' | 'endpointUrl' | 'forcePathStyle' | 'fips' | 'dualstack'>;

/** @returns the server's URL, without the bucket and without a trailing `/` */
export function serverUrl({ endpointUrl, fips, dualstack }: Addressing, region: string): string {
  if (endpointUrl !== undefined) return endpointUrl.replace(/\/+$/, '');
  const service = `s3${fips ? '-fips' : ''}${dualstack ? '.dualstack' : ''}`;
  return `https://${service}.${region}.${partition(region).dnsSuffix}`;
}

/** Identifies a server, to tell sets of several servers apart: its URL, or `aws`. */
export function endpointName({ endpointUrl }: Addressing): string {
  return endpointUrl === undefined ? 'aws' : new URL(endpointUrl).href.replace(/\/+$/, '');
}

/**
 * Whether URLs have the bucket in their path. A bucket's name fits a host name, and a TLS certificate for `*.s3.…`,
 * only if it consists of lowercase letters, digits and hyphens.
 */
export function isPathStyle(settings: Addressing): boolean {
  const { bucket, endpointUrl, forcePathStyle } = settings;
  if ((forcePathStyle ?? endpointUrl !== undefined) || !/^[a-z0-9-]+$/.test(bucket)) return true;
  return endpointUrl !== undefined && isIP(new URL(endpointUrl).hostname.replace(/^\[|\]$/g, '')) !== 0;
}

/** Server and path of an object, or of the bucket itself if the key is empty. */
interface Address {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  /** Host and port, as in the `Host` header. */
  readonly host: string;
  /** Percent-encoded. */
  readonly path: string;
}

/** @param key not encoded */
export function addressOf(settings: Addressing, region: string, key: string): Address {
  const { path, ...server } = bucketAddress(settings, region);
  return { ...server, path: path + key.split('/').map(encodeSegment).join('/') };
}

/** Cached: parsing a URL takes as long as signing a request. */
const addresses = new WeakMap<Addressing, Map<string, Address>>();

function bucketAddress(settings: Addressing, region: string): Address {
  const known = addresses.get(settings) ?? new Map<string, Address>();
  addresses.set(settings, known);
  const address = known.get(region) ?? findAddress(settings, region);
  known.set(region, address);
  return address;
}

function findAddress(settings: Addressing, region: string): Address {
  const { protocol, hostname, port, host, pathname } = new URL(serverUrl(settings, region));
  const isInPath = isPathStyle(settings);
  const subdomain = isInPath ? '' : `${settings.bucket}.`;
  const base = pathname === '/' ? '' : pathname;
  return defined({
    protocol,
    hostname: subdomain + hostname,
    port: port === '' ? undefined : Number(port),
    host: subdomain + host,
    path: isInPath ? `${base}/${encodeSegment(settings.bucket)}/` : `${base}/`,
  });
}

/** Percent-encodes all but the unreserved characters of RFC 3986, as S3's signatures require. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Any region's server names the right region; servers without regions usually go by this name. */
const FIRST_REGION = 'us-east-1';

/** Short, so that in a closed network a step soon advises setting the region. */
const CONNECT_WITHIN_MS = 3000;

/**
 * Asks the bucket for its region, without a signature: the answer names it even if access is denied.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
 *
 * @throws StoreError if AWS knows no such bucket, or nothing answers
 */
export async function findRegion({ settings, transport, retries, signal }: CredentialContext): Promise<string> {
  const { bucket, endpointUrl } = settings;
  const { host, ...address } = addressOf(settings, FIRST_REGION, '');
  const request = new HttpRequest({ method: 'HEAD', ...address, headers: { host } });
  const isAws = endpointUrl === undefined;
  const asking = isAws ? new Transport({ ...LIMITS, connectTimeoutMs: CONNECT_WITHIN_MS }) : transport;
  const reply = await withRetries(retries, signal, async () => {
    try {
      return settled(await asking.exchange(request, { signal }));
    } catch (error) {
      // A network that drops packets would drop them again.
      throw isAws && isError(error) && error.name === 'TimeoutError' ? noRegion(bucket, host, error) : error;
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
    `AWS does not say which region the bucket '${bucket}' is in (status ${reply.status}): check bucket, or set aws-region`,
  );
}

function noRegion(bucket: string, host: string, cause: unknown): StoreError {
  const why = isError(cause) ? printable(cause.message || cause.name) : '';
  return new StoreError(
    'unreachable',
    `Could not find the region of s3://${bucket}, since ${host} can't be reached (${why}): set aws-region, or check the network and the proxy`,
    { cause },
  );
}

/** @throws ReplyError for a busy server that has not named a region, so that it is asked again */
function settled(reply: Reply): Reply {
  const isBusy = reply.status === 429 || reply.status >= 500;
  if (isBusy && reply.headers['x-amz-bucket-region'] === undefined) throw new ReplyError(reply);
  return reply;
}
