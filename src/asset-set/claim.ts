import { CancelledError, RecordLostError, StoreError, UserError } from '../errors.ts';
import type { WriteCondition } from '../ports.ts';
import type { RunContext } from '../run-context.ts';
import { counted, defined, readableSize } from '../text.ts';
import type { SetLocation } from './location.ts';
import { dated } from './lookup.ts';
import {
  type AssetFile,
  type AssetRecord,
  type CompleteRecord,
  describeWriter,
  LEASE_SECONDS,
  MOST_RECORD_BYTES,
  type RecordDraft,
  recordText,
  totalSize,
} from './record.ts';

const MOST_ATTEMPTS = 5;
const RENEWAL_MS = (LEASE_SECONDS * 1000) / 3;

type ConditionHeader = 'If-None-Match' | 'If-Match';

/**
 * Conditions that fail while the record exists, since no object has this ETag. A server that accepts one ignores that
 * header.
 */
const REFUSED: readonly (readonly [ConditionHeader, WriteCondition])[] = [
  ['If-None-Match', { kind: 'absent' }],
  ['If-Match', { kind: 'unchanged', etag: '"00000000000000000000000000000000"' }],
];

interface ClaimRequest {
  readonly location: SetLocation;
  readonly draft: RecordDraft;
  /** ETag of the record to take over, as just read; undefined if there was none. */
  readonly takeOver: string | undefined;
}

/**
 * This run's claim to a set's record, from begin to seal. Every write of the record is conditional on the one before,
 * so only one of several writers can go on. The lease is renewed in the background.
 */
export class RecordClaim {
  readonly #run: RunContext;
  readonly #request: ClaimRequest;
  readonly #nonce: string;
  #sequence = 0;
  #etag: string | undefined;
  #heldSinceMs = 0;
  /** An error that must stop this run, other than the loss of the record. */
  #failure: unknown;
  #loss: RecordLostError | undefined;
  #sources: string | undefined;
  #sealing = false;
  #wasSealed = false;
  /** Only one write of the record is under way at a time: each waits for the one before it. */
  #lastWrite: Promise<unknown> = Promise.resolve();
  #stopRenewing: () => void = () => {};

  private constructor(run: RunContext, request: ClaimRequest) {
    this.#run = run;
    this.#request = request;
    this.#nonce = run.random.nonce();
    this.#etag = request.takeOver;
  }

  /**
   * Begins the record, or takes it over.
   *
   * @throws RecordLostError when another writer was faster, CancelledError when cancelled
   */
  static async begin(run: RunContext, request: ClaimRequest): Promise<RecordClaim> {
    run.signal.throwIfAborted();
    const claim = new RecordClaim(run, request);
    const guarded = await claim.#write(claim.#uploading(LEASE_SECONDS));
    if (claim.#isUpload) claim.#findIgnored(guarded);
    claim.#stopRenewing = run.clock.every(RENEWAL_MS, () => void claim.renew().catch((error) => claim.#fail(error)));
    return claim;
  }

  get location(): SetLocation {
    return this.#request.location;
  }

  get draft(): RecordDraft {
    return this.#request.draft;
  }

  /** Whether the record was there before this run wrote it. */
  get isTakeOver(): boolean {
    return this.#request.takeOver !== undefined;
  }

  /** Only uploads test conditional writes: two concurrent copies of one set do no harm. */
  get #isUpload(): boolean {
    return this.location.kind === 'artifact' && this.draft.origin.kind === 'upload';
  }

  /** Set after a write has shown that another writer has the record; the message names that writer. */
  get loss(): RecordLostError | undefined {
    return this.#loss;
  }

  /**
   * Call this before each write to the set.
   *
   * @throws RecordLostError when the record was lost or the lease not renewed in time, CancelledError when cancelled
   */
  assertLease(): void {
    this.#run.signal.throwIfAborted();
    const failure = this.#loss ?? this.#failure;
    if (failure !== undefined) throw failure;
    const heldForMs = this.#run.clock.monotonicMs() - this.#heldSinceMs;
    if (heldForMs >= LEASE_SECONDS * 1000)
      throw new RecordLostError(
        `The lease on ${this.#where()} could not be renewed for ${LEASE_SECONDS} s, so another run may have taken over`,
        're-run the job',
      );
  }

  /**
   * Waits for the write of the record that is under way.
   *
   * @throws as {@link assertLease}, and if the test for conditional writes failed
   */
  async settled(): Promise<void> {
    await this.#lastWrite;
    this.assertLease();
  }

  /** Renews the lease for its full length. */
  async renew(): Promise<void> {
    if (!this.#sealing) await this.#write(this.#uploading(LEASE_SECONDS));
  }

  /** Sets the record back to `uploading` after a seal that the listing contradicted. */
  async reopen(): Promise<void> {
    this.#sealing = false;
    this.#wasSealed = true;
    await this.renew();
  }

  /**
   * @param sha256 base64 digest of the stored sources, which the sealed record will contain; undefined if none are
   *   stored
   */
  addSources(sha256: string | undefined): void {
    this.#sources = sha256;
  }

  /** The commit point: from here on the set counts as complete. */
  async seal(files: readonly AssetFile[]): Promise<CompleteRecord> {
    await this.settled();
    this.#sealing = true;
    const record: CompleteRecord = {
      ...this.#base(LEASE_SECONDS),
      ...defined({ sources: this.#sources }),
      state: 'complete',
      files,
      totalSize: totalSize(files),
    };
    await this.#write(record, this.#sealedBytes(record));
    return record;
  }

  /** @throws UserError for a record too large for any reader; nothing is sealed then */
  #sealedBytes(record: CompleteRecord): Buffer {
    const bytes = bytesOf(record);
    if (bytes.length <= MOST_RECORD_BYTES) return bytes;
    this.#sealing = false;
    throw new UserError(
      `The record of ${counted(record.files.length, 'file')} would have ${readableSize(bytes.length)}, and ${readableSize(MOST_RECORD_BYTES)} is the most that can be read: pack them into fewer files`,
    );
  }

  /**
   * Releases the record, so that others can take over at once. Never throws: if this fails, the lease lapses by
   * itself.
   */
  async release(): Promise<void> {
    this.#stopRenewing();
    // Others may take over only after this run's last write has ended.
    await this.#lastWrite;
    if (this.#sealing || this.#loss !== undefined) return;
    await this.#write(this.#uploading(0)).catch((error: unknown) =>
      this.#run.log.debug(`Releasing ${this.#where()} failed, so its lease will expire by itself: ${error}`),
    );
  }

  end(): void {
    this.#stopRenewing();
  }

  #uploading(leaseSeconds: number): AssetRecord {
    const sealedBefore = this.#wasSealed ? { sealedBefore: true as const } : undefined;
    return { ...this.#base(leaseSeconds), ...sealedBefore, state: 'uploading' };
  }

  #base(leaseSeconds: number) {
    this.#sequence += 1;
    return {
      ...this.#request.draft,
      writer: { ...this.#run.writer, nonce: this.#nonce, sequence: this.#sequence },
      leaseSeconds,
      createdAt: this.#run.clock.wallTime().toISOString(),
    };
  }

  /** @returns whether the server checked the condition */
  #write(record: AssetRecord, body = bytesOf(record)): Promise<boolean> {
    const write = this.#lastWrite.then(() => this.#writeNow(record, 1, body));
    this.#lastWrite = write.catch(() => undefined);
    return write;
  }

  async #writeNow(record: AssetRecord, attempt: number, body: Buffer): Promise<boolean> {
    if (this.#loss !== undefined) throw this.#loss;
    if (attempt > MOST_ATTEMPTS)
      throw new StoreError(
        'malformed-reply',
        `${this.#where()} refuses every write, although nobody else has it: is the server's ETag the same in every reply?`,
      );
    const { store, clock } = this.#run;
    const condition: WriteCondition =
      this.#etag === undefined ? { kind: 'absent' } : { kind: 'unchanged', etag: this.#etag };
    const sentAtMs = clock.monotonicMs();
    const result = await store.writeDocument(this.#request.location.recordKey, body, condition);
    if (result.outcome === 'written') {
      this.#etag = result.etag;
      this.#heldSinceMs = sentAtMs;
      return result.guarded;
    }
    await this.#readBack(record, { body, sentAtMs, attempt });
    return true;
  }

  /**
   * Finds out why a write was refused: the reply to an earlier write was lost, the record was deleted, or another
   * writer has it.
   */
  async #readBack(
    record: AssetRecord,
    { body, sentAtMs, attempt }: { body: Buffer; sentAtMs: number; attempt: number },
  ): Promise<void> {
    const document = await this.#run.store.readDocument(this.#request.location.recordKey);
    const current = document && dated(document, this.#where());
    if (document?.body.equals(body)) {
      this.#etag = document.etag;
      this.#heldSinceMs = sentAtMs;
      return;
    }
    if (current === undefined || current.record.writer.nonce === this.#nonce) {
      this.#etag = current?.etag;
      // Sent again, the same body could get the ETag of the deleted record, which other writers may still expect.
      const next = record.state === 'uploading' ? this.#uploading(record.leaseSeconds) : record;
      await this.#writeNow(next, attempt + 1, bytesOf(next));
      return;
    }
    this.#loss = new RecordLostError(
      `${describeWriter(current.record.writer)} has ${this.#where()}`,
      're-run this step once that run has ended',
    );
    throw this.#loss;
  }

  #fail(error: unknown): void {
    if (error instanceof RecordLostError) return;
    if (error instanceof CancelledError) this.#failure ??= error;
    else this.#run.log.warning(`Renewing the lease on ${this.#where()} failed, and is tried again: ${error}`);
  }

  /**
   * Warns if the server ignores conditions, since two runs of one commit could then overwrite each other.
   *
   * @param guarded whether the server checked the condition of the first write
   */
  #findIgnored(guarded: boolean): void {
    if (this.isTakeOver) {
      if (!guarded) this.#warnUnguarded(['If-Match']);
    } else this.#testConditions(guarded ? [] : ['If-None-Match']);
  }

  /**
   * Sends writes that must be refused. They run while assets are sent but, like every write of the record, one at a
   * time. An accepted write does no harm: the record says the same as before.
   */
  #testConditions(known: readonly ConditionHeader[]): void {
    const test = this.#lastWrite.then(async () => {
      const { store } = this.#run;
      const ignored = [...known];
      for (const [header, condition] of REFUSED) {
        if (known.includes(header)) continue;
        const body = bytesOf(this.#uploading(LEASE_SECONDS));
        const again = await store.writeDocument(this.location.recordKey, body, condition);
        if (again.outcome !== 'written') continue;
        this.#etag = again.etag;
        ignored.push(header);
      }
      if (ignored.length > 0) this.#warnUnguarded(ignored);
    });
    this.#lastWrite = test.catch((error: unknown) => {
      this.#failure ??= error;
    });
  }

  #warnUnguarded(ignored: readonly ConditionHeader[]): void {
    this.#run.log.warning(
      `This S3 server ignores conditional writes (${ignored.join(' and ')}): two concurrent uploads of one commit are not guarded against each other there.`,
    );
  }

  #where(): string {
    return `s3://${this.#run.store.bucket}/${this.#request.location.recordKey}`;
  }
}

function bytesOf(record: AssetRecord): Buffer {
  return Buffer.from(recordText(record));
}
