import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ActionResult, runAction, storeInputs } from '../run-action.ts';
import { PART_SIZE_MIB, removeDirectory } from './build.ts';
import { type Endpoint, openStore, type ProvenStore } from './store.ts';
import { type Intercept, Tap, type TappedRequest, type TapTime } from './tap.ts';

/** The lease of a record plus its slack, after which every reader considers it lapsed. */
const LEASE_MS = 126_000;

/** When a process is killed. */
export type KillPoint =
  | { readonly kind: 'request'; readonly isReached: (request: TappedRequest) => boolean; readonly time: TapTime }
  | { readonly kind: 'time'; readonly afterMs: number; readonly signal: 'SIGKILL' | 'SIGTERM' };

/** One run of the action. */
export interface Step {
  readonly mode: 'check' | 'upload' | 'restore';
  readonly commit: string;
  readonly codeHash?: string | undefined;
  readonly prefix: string;
  /** The package directory. */
  readonly packages: string;
  readonly runId: number;
  readonly attempt: number;
  readonly inputs?: Readonly<Record<string, string>>;
}

export interface StepResult extends ActionResult {
  readonly isKilled: boolean;
  /** The requests that went through the tap meanwhile. */
  readonly requests: readonly TappedRequest[];
}

/** A copy of the built action from the start of the proof, so that a rebuild has no effect. */
export interface BuiltAction extends AsyncDisposable {
  readonly entry: string;
}

const DIST = resolve(import.meta.dirname, '..', '..', 'dist');

export async function copyAction(dist = DIST): Promise<BuiltAction> {
  const directory = await mkdtemp(join(tmpdir(), 'proof-action-'));
  await cp(dist, directory, { recursive: true });
  return {
    entry: join(directory, 'index.js'),
    [Symbol.asyncDispose]: () => removeDirectory(directory),
  };
}

/** A bucket and a directory for packages. Steps run one after another, or at once. */
export class Lane implements AsyncDisposable {
  readonly store: ProvenStore;
  readonly #root: string;
  readonly #entry: string;
  #folders = 0;

  private constructor(store: ProvenStore, { root, entry }: { root: string; entry: string }) {
    this.store = store;
    this.#root = root;
    this.#entry = entry;
  }

  static async open({ entry }: BuiltAction, endpoint?: Endpoint): Promise<Lane> {
    return new Lane(await openStore(endpoint), { entry, root: await mkdtemp(join(tmpdir(), 'proof-lane-')) });
  }

  /** The path of a folder that does not exist yet. */
  newFolder(): string {
    this.#folders += 1;
    return join(this.#root, `packages-${this.#folders}`);
  }

  /** Lets every lease that began at the real time lapse, if the server's clock can be moved. */
  lapse(): void {
    this.store.setClockAhead(LEASE_MS);
  }

  /** Returns to the real time: only for work on other sets. */
  resetClock(): void {
    this.store.setClockAhead(0);
  }

  /** Runs a step to its end, or to the point where it is killed. None of its requests is in progress afterwards. */
  async run(step: Step, point?: KillPoint): Promise<StepResult> {
    let isKilled = false;
    let kill = (_signal: NodeJS.Signals): void => {};
    await using tap = await Tap.open(this.store.endpoint.url, point?.kind === 'request' ? killAt(point) : undefined);
    const ended = this.#start(step, tap.url, (send) => {
      kill = (signal) => {
        isKilled = true;
        send(signal);
      };
    });
    const timer = point?.kind === 'time' ? setTimeout(() => kill(point.signal), point.afterMs) : undefined;
    const result = await ended;
    clearTimeout(timer);
    await tap.idle();
    return { ...result, isKilled: isKilled && result.exitCode !== 0, requests: tap.requests };

    /** Requests parallel to the one that kills: a real server may or may not have received them by then. */
    function killAt({ isReached, time }: Extract<KillPoint, { kind: 'request' }>): Intercept {
      return async (request, at) => {
        if (isKilled) return time === 'after' ? 'pass' : 'drop';
        if (at !== time || !isReached(request)) return 'pass';
        kill('SIGKILL');
        await ended;
        return 'drop';
      };
    }
  }

  /** Runs a step with its requests decided by a hook. */
  async runUnder(step: Step, intercept: Intercept): Promise<StepResult> {
    await using tap = await Tap.open(this.store.endpoint.url, intercept);
    const result = await this.#start(step, tap.url);
    await tap.idle();
    return { ...result, isKilled: false, requests: tap.requests };
  }

  /** Runs a step directly against the server. */
  async runPlainly(step: Step): Promise<ActionResult> {
    return this.#start(step, this.store.endpoint.url);
  }

  #start(
    step: Step,
    url: string,
    onStart: (kill: (signal: NodeJS.Signals) => void) => void = () => {},
  ): Promise<ActionResult> {
    const { endpoint, bucket } = this.store;
    return runAction(
      {
        cwd: this.#root,
        env: {
          GITHUB_REPOSITORY: 'proof/proof',
          GITHUB_RUN_ID: String(step.runId),
          GITHUB_RUN_ATTEMPT: String(step.attempt),
        },
        inputs: {
          mode: step.mode,
          ...storeInputs(bucket, url, endpoint),
          'commit-sha': step.commit,
          prefix: step.prefix,
          'package-directory': step.packages,
          'part-size-mib': String(PART_SIZE_MIB),
          'wait-timeout-seconds': '0',
          ...(step.codeHash === undefined ? {} : { 'code-hash': step.codeHash }),
          ...step.inputs,
        },
        onStart: (_, kill) => onStart(kill),
      },
      [this.#entry],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    await removeDirectory(this.#root);
  }
}

/** The lines of a run for the report of a violation. */
export function describeRun({ mode, runId, attempt }: Step, { exitCode, outputs, lines }: ActionResult): string {
  const log = lines.filter((line) => !line.startsWith('::add-mask::') && !line.startsWith('::debug::'));
  const { found, reason, source, uploaded } = outputs;
  const ending = exitCode === null ? 'killed' : `exit code ${exitCode}`;
  const shown = found === undefined ? '' : `, found=${found} source=${source} reason=${reason} uploaded=${uploaded}`;
  return `${mode} (run ${runId}, attempt ${attempt}): ${ending}${shown}${log.map((line) => `\n      ${line}`).join('')}`;
}
