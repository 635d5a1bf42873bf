/** Node's code of a system error (`ECONNRESET`), or an empty text. */
export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
