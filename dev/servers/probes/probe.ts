import { type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { Site } from '../site.ts';

/** A question to a server, asked through the SDK. */
export interface Probe {
  /** The behaviour of S3. */
  readonly behaviour: string;
  /** The consequence for the action if a server behaves differently. */
  readonly consequence: string;
  /** The observation if the server behaves like S3. */
  readonly expected: string;
  readonly observe: (bench: Bench) => Promise<string>;
}

/** A bucket for experiments. */
export interface Bench extends Site {
  readonly client: S3Client;
  readonly bucket: string;
}

/** @returns how a request ended: `accepted`, `412 PreconditionFailed`, or `ECONNRESET` if no reply came */
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
