// The object metadata of assets. Deployments read the first three names, which the Python tool wrote.

export const COMMIT = 'commit-hash';
export const PACKAGE = 'package-hash';
export const CODE = 'code-hash';
export const RECORDED = 'asset-record';
export const RECORD_VERSION = 'v1';

/** Metadata names that this action sets itself. */
export const RESERVED_METADATA: ReadonlySet<string> = new Set([COMMIT, PACKAGE, CODE, RECORDED]);
