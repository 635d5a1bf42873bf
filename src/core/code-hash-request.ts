export type CodeHashAlgorithm = 'git-sha256' | 'md5';

/** How the code hash is to be had, as the inputs say it. */
export type CodeHashRequest =
  | { readonly kind: 'given'; readonly value: string }
  | {
      readonly kind: 'computed';
      readonly patterns: readonly string[];
      readonly algorithm: CodeHashAlgorithm;
      readonly salt: string;
      /** What a pattern is that matches nothing. */
      readonly unmatchedPatterns: 'error' | 'warn';
    };

/** A digest of the sources that a build depends on, as hex, and how it was made, where that is known. */
export interface CodeHash {
  readonly value: string;
  readonly algorithm: CodeHashAlgorithm | undefined;
}

const CODE_HASH = /^[0-9a-f]{32,128}$/;

/** Whether a text can be a code hash: 32 to 128 lowercase hex digits. */
export function isCodeHash(text: string): boolean {
  return CODE_HASH.test(text);
}
