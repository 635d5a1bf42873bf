import { isIP } from 'node:net';
import { partition } from '@aws-sdk/core/client';
import type { StoreSettings } from './settings.ts';

// Where requests go: the one place that decides it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html

type Addressing = Pick<StoreSettings, 'bucket' | 'endpointUrl' | 'forcePathStyle' | 'fips' | 'dualstack'>;

/** @returns the server's URL, without the bucket and without a trailing `/` */
export function serverUrl({ endpointUrl, fips, dualstack }: Addressing, region: string): string {
  if (endpointUrl !== undefined) return endpointUrl.replace(/\/+$/, '');
  const service = `s3${fips ? '-fips' : ''}${dualstack ? '.dualstack' : ''}`;
  return `https://${service}.${region}.${partition(region).dnsSuffix}`;
}

/** @returns the partition as ARNs have it: `aws`, `aws-cn` */
export function partitionOf(region: string): string {
  return partition(region).name;
}

/** What a server is called where sets of several servers are told apart: its URL, or `aws`. */
export function endpointName({ endpointUrl }: Addressing): string {
  return endpointUrl === undefined ? 'aws' : new URL(endpointUrl).href.replace(/\/+$/, '');
}

/**
 * Whether the bucket stands in the path. Other names than of letters, digits and hyphens fit no
 * host, or no TLS certificate of `*.s3.…`.
 */
export function isPathStyle(settings: Addressing): boolean {
  const { bucket, endpointUrl, forcePathStyle } = settings;
  if ((forcePathStyle ?? endpointUrl !== undefined) || !/^[a-z0-9-]+$/.test(bucket)) return true;
  return endpointUrl !== undefined && isIP(new URL(endpointUrl).hostname.replace(/^\[|\]$/g, '')) !== 0;
}

interface Server {
  readonly url: URL;
  readonly isInPath: boolean;
}

/** Taken apart once: that takes as long as to sign a request. */
const servers = new WeakMap<Addressing, Map<string, Server>>();

function serverOf(settings: Addressing, region: string): Server {
  const known = servers.get(settings) ?? new Map<string, Server>();
  servers.set(settings, known);
  const server = known.get(region) ?? {
    url: new URL(serverUrl(settings, region)),
    isInPath: isPathStyle(settings),
  };
  known.set(region, server);
  return server;
}

/** Server and path of an object, or of the bucket itself where the key is empty. */
export interface Address {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: number | undefined;
  /** Host and port, as the `Host` header has them. */
  readonly host: string;
  /** Percent-encoded. */
  readonly path: string;
}

/** @param key as it is; every byte but unreserved ones and `/` is encoded */
export function addressOf(settings: Addressing, region: string, key: string): Address {
  const { url, isInPath } = serverOf(settings, region);
  const base = url.pathname === '/' ? '' : url.pathname;
  const encodedKey = key.split('/').map(encodeSegment).join('/');
  const subdomain = isInPath ? '' : `${settings.bucket}.`;
  return {
    protocol: url.protocol,
    hostname: subdomain + url.hostname,
    port: url.port === '' ? undefined : Number(url.port),
    host: subdomain + url.host,
    path: isInPath ? `${base}/${encodeSegment(settings.bucket)}/${encodedKey}` : `${base}/${encodedKey}`,
  };
}

/** Percent-encodes all but the unreserved characters of RFC 3986, as signatures of S3 count them. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
