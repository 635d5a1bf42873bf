// How a large object is divided. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html

const MOST_PARTS = 10_000;

/** A range of the object's bytes. */
export interface Part {
  /** Counts from 1. */
  readonly number: number;
  readonly position: number;
  readonly sizeBytes: number;
}

/** The size of all parts but the last: larger than preferred where there would be more parts than S3 takes. */
export function partSizeOf(sizeBytes: number, preferredBytes: number): number {
  return Math.max(preferredBytes, Math.ceil(sizeBytes / MOST_PARTS));
}

/** @param partSizeBytes as {@link partSizeOf} has it */
export function split(sizeBytes: number, partSizeBytes: number): Part[] {
  return Array.from({ length: Math.ceil(sizeBytes / partSizeBytes) }, (_, index) => ({
    number: index + 1,
    position: index * partSizeBytes,
    sizeBytes: Math.min(partSizeBytes, sizeBytes - index * partSizeBytes),
  }));
}
