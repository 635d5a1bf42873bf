const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/** Whether a text is a full commit id: 40 (SHA-1) or 64 (SHA-256) lowercase hex digits. */
export function isCommit(text: string): boolean {
  return COMMIT.test(text);
}
