import { type ChecksumAlgorithm, fullObjectChecksum, md5OfContent } from './checksums.ts';
import { Content } from './content.ts';
import type { Headers } from './s3-request.ts';
import { newObject, type StoredObject, type Tag } from './stored-object.ts';

/** The attributes of an object made without HTTP. */
export interface FixtureOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** 'binary/octet-stream' if absent, as in S3. */
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly storageClass?: string;
  /** The archive tier of an object in Intelligent-Tiering that has not been read for a long time. */
  readonly archiveStatus?: 'ARCHIVE_ACCESS' | 'DEEP_ARCHIVE_ACCESS';
  readonly tags?: readonly Tag[];
  /** Gives the object a checksum, as if it had been uploaded with one. */
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  /** With its quotes. One that does not match the bytes simulates a disk that has lost some. */
  readonly etag?: string;
  /** The server's time if absent. */
  readonly lastModified?: Date;
}

export function makeObject(
  key: string,
  body: string | Uint8Array,
  options: FixtureOptions & { readonly lastModified: Date },
): StoredObject {
  const content = Content.from(body);
  const { metadata = {}, tags = [], checksumAlgorithm, lastModified, etag } = options;
  const object = newObject({
    key,
    content,
    attributes: { headers: fixtureHeaders(options), metadata, tags, acl: undefined },
    md5: md5OfContent(content),
    checksum: checksumAlgorithm && fullObjectChecksum(checksumAlgorithm, content),
    nowMs: lastModified.getTime(),
  });
  return etag === undefined ? object : { ...object, etag };
}

function fixtureHeaders({ contentType, cacheControl, storageClass, archiveStatus }: FixtureOptions): Headers {
  return {
    'content-type': contentType ?? 'binary/octet-stream',
    ...(cacheControl === undefined ? {} : { 'cache-control': cacheControl }),
    ...(storageClass === undefined ? {} : { 'x-amz-storage-class': storageClass }),
    ...(archiveStatus === undefined ? {} : { 'x-amz-archive-status': archiveStatus }),
  };
}
