import type { Clock, Log } from './ports.ts';
import { counted, printable, readableDuration, readableSize } from './text.ts';

// The progress of transfers: a line in the log every few seconds, or one line of a terminal that is rewritten in place.

const LINE_EVERY_MS = 10_000;
const REWRITE_EVERY_MS = 250;
/** Rates are averages over this time. */
const RATE_MS = 10_000;
/** A server that moves no bytes for this long is reported. */
const SILENCE_MS = 5000;

/** The last line of a terminal. */
export interface LiveLine {
  /** Replaces the text, cut to the terminal's width. */
  show(text: string): void;
  /** Clears the line and moves the cursor to its start. Does nothing if no text is shown. */
  clear(): void;
}

interface ProgressPorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'every'>;
  readonly log: Log;
  /** Undefined without a terminal: lines go to the log. */
  readonly liveLine?: LiveLine | undefined;
}

/** The progress of a run's transfers. */
export class Progress {
  /** Writes above the live line. */
  readonly log: Log;
  readonly #ports: ProgressPorts;
  readonly #stops = new Set<() => void>();
  #retryCount = 0;
  #isStopped = false;

  constructor(ports: ProgressPorts) {
    this.#ports = ports;
    this.log = ports.liveLine === undefined ? ports.log : above(ports.liveLine, ports.log);
  }

  /** Must be called before each retry of a request. */
  readonly retried = (): void => {
    this.#retryCount += 1;
  };

  /**
   * Reports the progress of a transfer until `work` ends, even if it fails.
   *
   * @param what begins each line: `Uploading`, for example
   * @param files all files of the transfer, with their sizes in bytes
   */
  async during<Result>(
    what: string,
    files: readonly { readonly size: number }[],
    work: (transfer: Transfer) => Promise<Result>,
  ): Promise<Result> {
    const transfer = new Transfer(what, files, this.#ports.clock);
    const stop = files.length === 0 || this.#isStopped ? () => {} : this.#report(transfer);
    try {
      return await work(transfer);
    } finally {
      stop();
    }
  }

  /** @returns the log and the progress of one of several packages: each line begins with its name */
  about(name: string): { readonly log: Log; readonly progress: Pick<Progress, 'during'> } {
    const named = (line: string) => `${printable(name)}: ${line}`;
    return {
      log: prepared(this.log, named),
      progress: { during: (what, files, work) => this.during(named(what), files, work) },
    };
  }

  /** Ends all reports, also those of transfers that are still running. */
  stop(): void {
    this.#isStopped = true;
    for (const stop of this.#stops) stop();
  }

  /** @returns a function that ends the report */
  #report(transfer: Transfer): () => void {
    const { clock, log, liveLine } = this.#ports;
    this.log.info(transfer.title);
    let reportedRetries = this.#retryCount;
    const stopTicking =
      liveLine === undefined
        ? clock.every(LINE_EVERY_MS, () => {
            log.info(transfer.line(this.#retryCount - reportedRetries));
            reportedRetries = this.#retryCount;
          })
        : clock.every(REWRITE_EVERY_MS, () => liveLine.show(transfer.line(this.#retryCount - reportedRetries)));
    const stop = (): void => {
      if (!this.#stops.delete(stop)) return;
      stopTicking();
      liveLine?.clear();
    };
    this.#stops.add(stop);
    return stop;
  }
}

function above(liveLine: LiveLine, log: Log): Log {
  return prepared(log, (line) => {
    liveLine.clear();
    return line;
  });
}

/** @param prepare is called before each line, and returns the line to write */
function prepared(log: Log, prepare: (line: string) => string): Log {
  return {
    info: (line, folded) => log.info(prepare(line), folded),
    warning: (line) => log.warning(prepare(line)),
    debug: (line) => log.debug(prepare(line)),
  };
}

/** One file of a transfer. */
export interface FileProgress {
  /** Bytes were sent or received; a negative number takes back bytes that must be moved again. */
  readonly moved: (bytes: number) => void;
  /** Bytes were hashed. */
  readonly hashed: (bytes: number) => void;
  /** The file is done; all of its bytes count as moved, even if they did not have to be. */
  readonly end: () => void;
}

/** The state of a transfer at some time. */
interface Sample {
  readonly timeMs: number;
  readonly movedBytes: number;
  readonly hashedBytes: number;
}

/** Counts the bytes and files of one transfer. */
export class Transfer {
  readonly title: string;
  readonly #what: string;
  readonly #fileCount: number;
  readonly #totalBytes: number;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #doneCount = 0;
  #movedBytes = 0;
  #hashedBytes = 0;
  #lastSignMs: number;
  /** Rates are computed from the first one. */
  #samples: Sample[];

  constructor(what: string, files: readonly { readonly size: number }[], clock: Pick<Clock, 'monotonicMs'>) {
    this.#what = what;
    this.#fileCount = files.length;
    this.#totalBytes = files.reduce((sum, { size }) => sum + size, 0);
    this.#clock = clock;
    this.#lastSignMs = clock.monotonicMs();
    this.#samples = [this.#sample()];
    this.title = `${what} ${counted(files.length, 'file')}, ${readableSize(this.#totalBytes)} …`;
  }

  /** Must be called once for each file. */
  file(sizeBytes: number): FileProgress {
    let restBytes = sizeBytes;
    const moved = (bytes: number): void => {
      restBytes -= bytes;
      this.#movedBytes += bytes;
      if (bytes > 0) this.#lastSignMs = this.#clock.monotonicMs();
    };
    return {
      moved,
      hashed: (bytes) => {
        this.#hashedBytes += bytes;
        this.#lastSignMs = this.#clock.monotonicMs();
      },
      end: () => {
        moved(restBytes);
        this.#doneCount += 1;
        this.#lastSignMs = this.#clock.monotonicMs();
      },
    };
  }

  /** Describes the current progress. @param retryCount the retries since the last line */
  line(retryCount: number): string {
    const now = this.#sample();
    const before = this.#since(now);
    const doneBytes = Math.min(Math.max(now.movedBytes, 0), this.#totalBytes);
    const files = `${this.#what}: ${this.#doneCount} of ${counted(this.#fileCount, 'file')}`;
    const bytes = `${readableSize(doneBytes)} of ${readableSize(this.#totalBytes)}`;
    const silentMs = now.timeMs - this.#lastSignMs;
    const notes = [
      now.hashedBytes > before.hashedBytes ? `hashed ${readableSize(now.hashedBytes)}` : '',
      retryCount > 0 ? `${counted(retryCount, 'request')} tried again` : '',
      silentMs >= SILENCE_MS ? `the server has not answered for ${Math.round(silentMs / 1000)} s` : '',
    ];
    const speed = speedOf(before, now, this.#totalBytes - doneBytes);
    return [[files, bytes, ...speed].join(', '), ...notes.filter(Boolean)].join('; ');
  }

  #sample(): Sample {
    return {
      timeMs: this.#clock.monotonicMs(),
      movedBytes: this.#movedBytes,
      hashedBytes: this.#hashedBytes,
    };
  }

  /** @returns the newest sample that is at least {@link RATE_MS} old, or else the oldest */
  #since(now: Sample): Sample {
    const first = this.#samples.findLastIndex(({ timeMs }) => now.timeMs - timeMs >= RATE_MS);
    this.#samples = [...this.#samples.slice(Math.max(first, 0)), now];
    return this.#samples[0] ?? now;
  }
}

/** @returns the rate and the time left; nothing if no bytes were moved */
function speedOf(before: Sample, now: Sample, restBytes: number): string[] {
  const bytesASecond = ((now.movedBytes - before.movedBytes) * 1000) / Math.max(now.timeMs - before.timeMs, 1);
  if (bytesASecond <= 0) return [];
  const rate = `${readableSize(Math.ceil(bytesASecond))}/s`;
  return restBytes === 0 ? [rate] : [rate, `${readableDuration(Math.ceil(restBytes / bytesASecond) * 1000)} left`];
}
