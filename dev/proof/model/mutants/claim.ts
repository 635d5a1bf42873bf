import type { Mutant } from './mutant.ts';

// The record: compare and swap.

export const CLAIMS: readonly Mutant[] = [
  {
    guard: 'a take-over replaces only the record that was read',
    text: 'this.#etag = request.takeOver;',
    replacement: 'this.#etag = undefined;',
  },
  {
    guard: 'after 412, the body shows whether it was written: a record with its own nonce may be an older one',
    text: 'if (document?.body.equals(body)) {',
    replacement: 'if (current?.record.writer.nonce === this.#nonce) {',
  },
  {
    guard: 'after 412, the very body it sent: the reply was lost, and it goes on',
    text: 'if (document?.body.equals(body)) {',
    replacement: 'if (document !== undefined && document.body.length < 0) {',
    redundant: 'a record of its own nonce is written again, with the same body: one more request',
  },
  {
    guard: 'after 412, a record with another nonce is lost',
    text: 'current.record.writer.nonce === this.#nonce',
    replacement: 'current.record.writer.nonce !== undefined',
  },
  {
    guard: 'after 412 with its own nonce, it writes again',
    text: 'if (current === undefined || current.record.writer.nonce === this.#nonce) {',
    replacement: 'if (current === undefined) {',
  },
  {
    guard: 'after 404, it begins again',
    text: 'if (current === undefined || current.record.writer.nonce === this.#nonce) {',
    replacement: 'if (current !== undefined && current.record.writer.nonce === this.#nonce) {',
  },
  {
    guard: 'sequence: no two bodies of a writer are equal',
    text: 'this.#sequence += 1;',
    replacement: 'this.#sequence = 1;',
  },
  {
    guard: 'nonce: no two writers are taken for one',
    text: 'this.#nonce = ports.random.nonce();',
    replacement: "this.#nonce = 'n';",
  },
  {
    guard: 'one record write in flight at a time',
    text: 'const write = this.#lastWrite.then(() => this.#writeNow(record, 1, body));',
    replacement: 'const write = this.#writeNow(record, 1, body);',
  },
  {
    guard: 'no other record write once the seal is sent',
    text: 'if (!this.#sealing) await this.#write(this.#uploading(LEASE_SECONDS));',
    replacement: 'await this.#write(this.#uploading(LEASE_SECONDS));',
  },
  {
    guard: 'nothing is released once the seal is sent',
    text: 'if (this.#sealing || this.#loss !== undefined) return;',
    replacement: 'if (this.#loss !== undefined) return;',
  },
  {
    guard: 'a lost record is not released',
    text: 'if (this.#sealing || this.#loss !== undefined) return;',
    replacement: 'if (this.#sealing) return;',
    redundant: 'the write that releases it is refused by If-Match, or by #writeNow before it is sent',
  },
  {
    guard: 'after 404, the record is begun again with another body',
    text: "const next = record.state === 'uploading' ? this.#uploading(record.leaseSeconds) : record;",
    replacement: 'const next = record;',
    rare: '__tests__/asset-set/record-claim.local.test.ts',
  },
];
