/** Orders paths by their UTF-8 bytes, as S3 lists keys and records list files. */
export function comparePaths(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
