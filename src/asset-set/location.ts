/** Where one asset set lies in the bucket. */
export interface SetLocation {
  readonly kind: 'artifact' | 'cache';
  /** The commit of an artifact set, the code hash of a cache set; lowercase hex. */
  readonly id: string;
  /** What every asset's key starts with; ends in `/`. */
  readonly prefix: string;
  readonly recordKey: string;
}

/**
 * @param prefix the `prefix` input: empty, or without a trailing `/`
 * @param commit full hex id
 */
export function artifactSet(prefix: string, commit: string): SetLocation {
  return location(prefix, 'artifact', 'artifacts', commit);
}

/**
 * @param prefix the `prefix` input: empty, or without a trailing `/`
 * @param codeHash lowercase hex
 */
export function cacheSet(prefix: string, codeHash: string): SetLocation {
  return location(prefix, 'cache', 'cache', codeHash);
}

function location(prefix: string, kind: SetLocation['kind'], folder: string, id: string): SetLocation {
  const root = prefix === '' ? '' : `${prefix}/`;
  return { kind, id, prefix: `${root}${folder}/${id}/`, recordKey: `${root}records/${folder}/${id}.json` };
}

/** `s3://` and where the assets of a set lie; ends in `/`. */
export function uriOf(bucket: string, { prefix }: SetLocation): string {
  return `s3://${bucket}/${prefix}`;
}

/** @returns the set that lies there, as {@link uriOf} says it; undefined where none can, or in another bucket */
export function setAt(bucket: string, uri: string): SetLocation | undefined {
  const [, prefix = '', folder, id = ''] =
    /^s3:\/\/[^/]+\/(?:(.+)\/)?(artifacts|cache)\/([0-9a-f]+)\/$/u.exec(uri) ?? [];
  if (folder === undefined) return undefined;
  const set = folder === 'cache' ? cacheSet(prefix, id) : artifactSet(prefix, id);
  return uriOf(bucket, set) === uri ? set : undefined;
}
