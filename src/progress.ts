import type { Clock, Log } from './ports.ts';
import { counted, readableDuration, readableSize } from './text.ts';

// How far a transfer is: a line in the log now and then, or one line of a terminal that is rewritten in place.

const LINE_EVERY_MS = 10_000;
const REWRITE_EVERY_MS = 250;
/** Rates are those of so long a time. */
const RATE_MS = 10_000;
/** A server that moves nothing for as long is said to be silent. */
const SILENCE_MS = 5000;

/** The last line of a terminal. */
export interface LiveLine {
  /** Puts this text in place of the one before, cut to the terminal's width. */
  show(text: string): void;
  /** Leaves the line empty, and the cursor at its beginning. Does nothing where no text is shown. */
  clear(): void;
}

interface ProgressPorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'every'>;
  readonly log: Log;
  /** Undefined where there is no terminal: lines go to the log. */
  readonly liveLine?: LiveLine | undefined;
}

/** What is done to files whose bytes are moved or read. */
type Verb = 'Uploading' | 'Restoring' | 'Copying' | 'Comparing';

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

  /** A request is tried again. */
  readonly retried = (): void => {
    this.#retryCount += 1;
  };

  /**
   * Tells the progress of some work from its start line on, and stops when the work ends, however it does.
   *
   * @param files all that are transferred, with their sizes in bytes
   */
  async during<Result>(
    verb: Verb,
    files: readonly { readonly size: number }[],
    work: (transfer: Transfer) => Promise<Result>,
  ): Promise<Result> {
    const transfer = new Transfer(verb, files, this.#ports.clock);
    const stop = files.length === 0 || this.#isStopped ? () => {} : this.#tell(transfer);
    try {
      return await work(transfer);
    } finally {
      stop();
    }
  }

  /** Says no more from now on, also of what is still under way. */
  stop(): void {
    this.#isStopped = true;
    for (const stop of this.#stops) stop();
  }

  /** @returns ends it */
  #tell(transfer: Transfer): () => void {
    const { clock, log, liveLine } = this.#ports;
    this.log.info(transfer.title);
    let toldRetries = this.#retryCount;
    const stopTicking =
      liveLine === undefined
        ? clock.every(LINE_EVERY_MS, () => {
            log.info(transfer.line(this.#retryCount - toldRetries));
            toldRetries = this.#retryCount;
          })
        : clock.every(REWRITE_EVERY_MS, () => liveLine.show(transfer.line(this.#retryCount - toldRetries)));
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
  const clearing = (write: (line: string) => void) => (line: string) => {
    liveLine.clear();
    write(line);
  };
  return { info: clearing(log.info), warning: clearing(log.warning), debug: clearing(log.debug) };
}

/** One file of a transfer. */
export interface FileProgress {
  /** Bytes went out or came in; a negative number of them have to do so again. */
  readonly moved: (bytes: number) => void;
  /** Bytes were read here, to be hashed. */
  readonly hashed: (bytes: number) => void;
  /** The file is done, and all of its bytes with it, whether they had to be moved or not. */
  readonly end: () => void;
}

/** What had been done at some time. */
interface Sample {
  readonly timeMs: number;
  readonly movedBytes: number;
  readonly hashedBytes: number;
}

/** Files on their way. */
export class Transfer {
  readonly title: string;
  readonly #verb: Verb;
  readonly #fileCount: number;
  readonly #totalBytes: number;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #doneCount = 0;
  #movedBytes = 0;
  #hashedBytes = 0;
  #lastSignMs: number;
  /** The first is the one that rates are counted from. */
  #samples: Sample[];

  constructor(verb: Verb, files: readonly { readonly size: number }[], clock: Pick<Clock, 'monotonicMs'>) {
    this.#verb = verb;
    this.#fileCount = files.length;
    this.#totalBytes = files.reduce((sum, { size }) => sum + size, 0);
    this.#clock = clock;
    this.#lastSignMs = clock.monotonicMs();
    this.#samples = [this.#sample()];
    this.title = `${verb} ${counted(files.length, 'file')}, ${readableSize(this.#totalBytes)} …`;
  }

  /** To be called once for each file. */
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

  /** How far it is now. @param retryCount how many requests were tried again since the last line */
  line(retryCount: number): string {
    const now = this.#sample();
    const before = this.#since(now);
    const doneBytes = Math.min(Math.max(now.movedBytes, 0), this.#totalBytes);
    const files = `${this.#verb}: ${this.#doneCount} of ${counted(this.#fileCount, 'file')}`;
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

  /** @returns the youngest sample that is old enough; where none is, the oldest */
  #since(now: Sample): Sample {
    const first = this.#samples.findLastIndex(({ timeMs }) => now.timeMs - timeMs >= RATE_MS);
    this.#samples = [...this.#samples.slice(Math.max(first, 0)), now];
    return this.#samples[0] ?? now;
  }
}

/** @returns rate and time left; nothing where nothing was moved */
function speedOf(before: Sample, now: Sample, restBytes: number): string[] {
  const bytesASecond = ((now.movedBytes - before.movedBytes) * 1000) / Math.max(now.timeMs - before.timeMs, 1);
  if (bytesASecond <= 0) return [];
  const rate = `${readableSize(Math.ceil(bytesASecond))}/s`;
  return restBytes === 0 ? [rate] : [rate, `${readableDuration(Math.ceil(restBytes / bytesASecond) * 1000)} left`];
}
