import { StoreError } from '../../../src/errors.ts';
import type { ObjectHead, WriteCondition, WriteResult } from '../../../src/ports.ts';
import type { Bucket, Refusal, Version } from './bucket.ts';
import type { Requests, Wanted } from './requests.ts';
import type { Watch } from './watch.ts';

/** The connection of a process to the store. */
export interface Line {
  readonly sender: number;
  readonly bucket: Bucket;
  readonly requests: Requests;
  readonly watch: Watch;
  readonly now: () => number;
}

/** Prepares a request. @returns a function that sends it with a given effect */
export function asking({ sender, requests }: Line, verb: string, key: string, options: Partial<Wanted> = {}) {
  const wanted = { isWrite: false, ...options, sender, verb, key };
  return <Reply>(perform: () => Reply): Promise<Reply> => requests.ask(wanted, perform);
}

/** Writes an asset, and reports the object that it replaced to the watch. */
export function replacing(
  { bucket, watch, sender }: Line,
  { key, condition }: { key: string; condition: WriteCondition | undefined },
  write: () => Version | Refusal,
): WriteResult {
  const before = bucket.objects.get(key);
  const result = write();
  if (typeof result !== 'string') watch.assetWritten(sender, key, { before, after: result, condition });
  return resultOf(result);
}

export function resultOf(result: Version | Refusal): WriteResult {
  return typeof result === 'string' ? { outcome: result } : { outcome: 'written', etag: result.etag, guarded: true };
}

export function headOf(version: Version | undefined): ObjectHead | undefined {
  if (version === undefined) return undefined;
  const { bytes, etag, attributes, checksum, isArchived } = version;
  return {
    ...attributes,
    sizeBytes: bytes.length,
    etag,
    ...(checksum === undefined ? {} : { sha256: checksum }),
    ...(isArchived ? { isArchived } : {}),
  };
}

/** The store's refusal of a request, as the adapter reports it. @param name the store's error code */
export function refused(name: string, what: string): StoreError {
  return new StoreError('rejected', what, { cause: Object.assign(new Error(what), { name }) });
}
