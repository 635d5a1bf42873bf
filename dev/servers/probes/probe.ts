import { type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { Site } from '../site.ts';

/** A question to a server, put through the SDK. */
export interface Probe {
  /** What S3 does. */
  readonly behaviour: string;
  /** What it means for the action where a server does otherwise. */
  readonly consequence: string;
  /** What is seen where the server does as S3 does. */
  readonly expected: string;
  readonly observe: (bench: Bench) => Promise<string>;
}

/** A bucket to try things in. */
export interface Bench extends Site {
  readonly client: S3Client;
  readonly bucket: string;
}

/** @returns how a request ended: `accepted`, `412 PreconditionFailed`, or `ECONNRESET` where no reply came */
export async function endOf(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return 'accepted';
  } catch (error) {
    return nameOf(error);
  }
}

export function nameOf(error: unknown): string {
  if (error instanceof S3ServiceException) return `${error.$metadata.httpStatusCode} ${error.name}`;
  if (!Error.isError(error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
