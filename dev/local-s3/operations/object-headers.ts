import { type Checksum, checksumHeader } from '../checksums.ts';
import type { Headers } from '../s3-request.ts';
import { checksumOf, type StoredObject } from '../stored-object.ts';

/** The headers of a GET or HEAD of the whole object. */
export function readHeaders(object: StoredObject, { withChecksum }: { readonly withChecksum: boolean }): Headers {
  const metadata = Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
  return {
    'accept-ranges': 'bytes',
    etag: object.etag,
    'last-modified': object.lastModified.toUTCString(),
    ...object.headers,
    ...Object.fromEntries(metadata),
    ...versionHeader(object),
    ...(object.tags.length === 0 ? {} : { 'x-amz-tagging-count': String(object.tags.length) }),
    ...(withChecksum ? checksumHeaders(checksumOf(object)) : {}),
  };
}

/** The headers of the reply to a write. */
export function writeHeaders(object: StoredObject): Headers {
  return { ...versionHeader(object), ...encryptionHeaders(object.headers) };
}

export function checksumHeaders(checksum: Checksum | undefined): Headers {
  if (checksum === undefined) return {};
  return { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

export function encryptionHeaders(headers: Headers): Headers {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith('x-amz-server-side-encryption')),
  );
}

function versionHeader({ versionId }: StoredObject): Headers {
  return versionId === undefined ? {} : { 'x-amz-version-id': versionId };
}
