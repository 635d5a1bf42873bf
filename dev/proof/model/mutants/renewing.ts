import type { Mutant } from './mutant.ts';

// Keeping the record: renewals, release, and how a writer reacts to its loss.

export const RENEWING: readonly Mutant[] = [
  {
    guard: 'nothing is written once the record is lost',
    text: 'if (this.#loss !== undefined) throw this.#loss;\n    if (attempt',
    replacement: 'if (attempt',
    redundant: "the write is refused by If-Match, since the ETag of another's record is never taken",
  },
  {
    guard: 'renewals end with the lease',
    text: '  end(): void {\n    this.#stopRenewing();',
    replacement: '  end(): void {',
  },
  {
    guard: 'renewals end when the record is released',
    text: '  async release(): Promise<void> {\n    this.#stopRenewing();',
    replacement: '  async release(): Promise<void> {',
  },
  {
    guard: 'the lease is renewed while it lasts',
    text: 'void claim.renew().catch((error) => claim.#fail(error))',
    replacement: 'undefined',
  },
  {
    guard: 'the lease counts from when its write was sent, not from when its reply came',
    text: "    if (result.outcome === 'written') {\n      this.#etag = result.etag;\n      this.#heldSinceMs = sentAtMs;",
    replacement:
      "    if (result.outcome === 'written') {\n      this.#etag = result.etag;\n      this.#heldSinceMs = clock.monotonicMs();",
  },
  {
    guard: 'the lease counts from when its write was sent, after 412 as well',
    text: '      this.#heldSinceMs = sentAtMs;\n      return;',
    replacement: '      this.#heldSinceMs = this.#run.clock.monotonicMs();\n      return;',
  },
  {
    guard: 'a writer that lost the record stops',
    text: 'if (failure !== undefined) throw failure;',
    replacement: '',
    rare: '__tests__/asset-set/record-claim.local.test.ts',
  },
  {
    guard: 'a writer that could not renew within its lease stops',
    text: 'if (heldForMs >= LEASE_SECONDS * 1000)',
    replacement: 'if (heldForMs < 0)',
  },
  {
    guard: 'the lease is asserted before the seal',
    text: '    await this.settled();\n    this.#sealing = true;',
    replacement: '    await this.#lastWrite;\n    this.#sealing = true;',
    redundant: 'the seal is refused by If-Match once another writer has the record',
  },
  {
    guard: 'nothing is sealed when the test of conditions fails',
    text: '    this.#lastWrite = test.catch((error: unknown) => {\n      this.#failure ??= error;\n    });',
    replacement: '    this.#lastWrite = test.catch(() => undefined);',
    redundant: 'the seal meets the same fault, or the store has recovered from it',
  },
  {
    guard: 'the first upload tests whether the store checks conditions',
    text: 'if (claim.#isUpload) claim.#findIgnored(guarded);',
    replacement: '',
    redundant: 'it only warns about a kind of store that is not in the model',
  },
  {
    guard: 'the first upload reports that If-Match is ignored',
    text: "['If-Match', { kind: 'unchanged', etag: '\"00000000000000000000000000000000\"' }]",
    replacement: '',
    rare: '__tests__/asset-set/record-claim.local.test.ts',
  },
];
