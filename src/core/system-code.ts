/** @returns the system's code of an error (`ENOENT`); where it has none, what it says */
export function systemCode(error: unknown): string {
  return Error.isError(error) && 'code' in error ? String(error.code) : String(error);
}
