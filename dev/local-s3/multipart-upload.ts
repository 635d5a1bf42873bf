import type { Checksum, ChecksumAlgorithm, ChecksumType } from './checksums.ts';
import type { Content } from './content.ts';
import type { ObjectAttributes } from './stored-object.ts';

export interface UploadedPart {
  readonly number: number;
  readonly content: Content;
  /** Hex, without quotes. */
  readonly md5: string;
  readonly checksum: Checksum | undefined;
  readonly lastModified: Date;
}

/** A multipart upload that is neither completed nor aborted. */
export interface MultipartUpload {
  readonly uploadId: string;
  readonly key: string;
  readonly initiated: Date;
  readonly attributes: ObjectAttributes;
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: ChecksumType;
  /** By part number. */
  readonly parts: Map<number, UploadedPart>;
}
