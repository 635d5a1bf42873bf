import { parseXml, textOf } from './xml.ts';

/** What a server says of a copy it made. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export interface CopyReply {
  readonly ETag: string | undefined;
  /** Base64, where the server tells it. */
  readonly ChecksumSHA256: string | undefined;
}

/**
 * @param root the name of the element that tells it: `CopyObjectResult` or `CopyPartResult`
 * @returns undefined for what is not that
 */
export function copyResult(body: Buffer, root: string): CopyReply | undefined {
  try {
    const fields = parseXml(body, root);
    return fields && { ETag: textOf(fields, 'ETag'), ChecksumSHA256: textOf(fields, 'ChecksumSHA256') };
  } catch {
    // No XML at all: told as a reply without the fields that it must have.
    return undefined;
  }
}
