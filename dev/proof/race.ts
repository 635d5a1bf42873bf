import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { ActionResult } from '../run-action.ts';
import { type Build, differences, makeBuild, readDirectory, rebuild, writeBuild } from './build.ts';
import type { Dice } from './dice.ts';
import { type JudgedSet, judgeSet, type SetName } from './judge.ts';
import { describeRun, type Lane, type Step } from './lane.ts';
import type { Witness } from './tally.ts';

/** Most delay of a start, since real processes do not start at exactly the same moment. */
const MOST_HEAD_START_MS = 150;
const PATIENCE = { 'wait-timeout-seconds': '60' };

/** The messages with which a process of a race may fail. */
const CLEAR_ERRORS = [
  /^There are no assets for commit [0-9a-f]{40} \((damaged|in-progress|incomplete|absent)\): /,
  /^The set of this commit is complete without '/,
  / has changed since its record was written$/,
  / is still writing .* after \d+ s: /,
  /^Others keep overwriting s3:/,
  / has s3:.*: re-run this step once that run has ended$/,
];

/** One process of a race, and its result. */
export interface Ending {
  readonly step: Step;
  readonly result: ActionResult;
}

/** Sets of one commit and one code, the builds stored there, and the processes that store them. */
export class Race {
  readonly lane: Lane;
  readonly dice: Dice;
  readonly witness: Witness;
  readonly prefix: string;
  readonly codeHash: string;
  readonly commit: string;
  readonly builds: [Build, ...Build[]];
  #processes = 0;

  constructor(lane: Lane, dice: Dice, witness: Witness, { isLarge = dice.chance(0.15) } = {}) {
    this.lane = lane;
    this.dice = dice;
    this.witness = witness;
    this.prefix = `race/${dice.hex(8)}`;
    this.codeHash = dice.hex(64);
    this.commit = dice.hex(40);
    this.builds = [makeBuild(dice, { isLarge })];
  }

  /** Number of processes. */
  get processes(): number {
    return this.#processes;
  }

  /** One more build of the same files. @returns its position */
  rebuild(): number {
    return this.builds.push(rebuild(this.builds[0], this.dice)) - 1;
  }

  /** A step that stores a build, in a run of its own. */
  async upload(build: number, inputs: Readonly<Record<string, string>> = {}): Promise<Step> {
    const packages = this.lane.newFolder();
    await writeBuild(packages, this.builds[build] ?? this.builds[0]);
    return { ...this.step('upload', inputs), packages };
  }

  /** A step in a run of its own. */
  step(mode: Step['mode'], inputs: Readonly<Record<string, string>> = {}): Step {
    this.#processes += 1;
    return {
      mode,
      prefix: this.prefix,
      commit: this.commit,
      codeHash: this.codeHash,
      packages: this.lane.newFolder(),
      runId: this.#processes,
      attempt: 1,
      inputs: { ...PATIENCE, concurrency: this.dice.pick(['1', '4', '16']), ...inputs },
    };
  }

  /** Runs a step without interference. */
  async succeed(step: Step): Promise<ActionResult> {
    const result = await this.lane.runPlainly(step);
    this.witness.tell(describeRun(step, result));
    this.witness.equal(result.exitCode, 0, `the exit code of ${step.mode}`);
    return result;
  }

  /** Runs steps at once. @returns the result of each */
  async run(steps: readonly Step[]): Promise<Ending[]> {
    const endings = await Promise.all(
      steps.map(async (step) => {
        await setTimeout(this.dice.below(MOST_HEAD_START_MS));
        return { step, result: await this.lane.runPlainly(step) };
      }),
    );
    for (const ending of endings) this.expectSensible(ending);
    return endings;
  }

  /** Expects that it ended by itself and, if it failed, gave the reason in one line. */
  expectSensible({ step, result }: Ending): void {
    const { exitCode, stderr, lines } = result;
    this.witness.tell(describeRun(step, result));
    const errors = lines.filter((line) => line.startsWith('::error::')).map((line) => line.slice('::error::'.length));
    this.witness.equal(stderr, '', `what ${step.mode} writes to standard error`);
    this.witness.equal(errors.length, exitCode === 0 ? 0 : 1, `the number of errors of ${step.mode}`);
    for (const error of errors)
      this.witness.expect(
        CLEAR_ERRORS.some((clear) => clear.test(error)),
        `a clear error, not: ${error}`,
      );
  }

  judge(folder: SetName['folder'] = 'artifacts', id = this.commit): Promise<JudgedSet> {
    return judgeSet(this.lane.store, { prefix: this.prefix, folder, id }, this.builds);
  }

  /** Expects a set that is sealed, whole and of one build. @returns the set */
  async expectSealed(folder: SetName['folder'] = 'artifacts', id?: string): Promise<JudgedSet> {
    const judged = await this.judge(folder, id ?? (folder === 'artifacts' ? this.commit : this.codeHash));
    this.witness.equal([judged.record, judged.faults], ['complete', []], `the set in ${folder} after the race`);
    const { build } = judged;
    const paths = [...(build === undefined ? [] : (this.builds[build]?.keys() ?? []))];
    this.witness.equal([...judged.objects.keys()].sort(), paths.sort(), `the objects in ${folder}`);
    const open = await this.lane.store.openUploads(`${this.prefix}/`);
    this.witness.equal(open, [], 'the open multipart uploads after the race');
    return judged;
  }

  /** Expects that every process that found the set names exactly the sealed files. */
  expectNamed({ step, result: { outputs } }: Ending, sealed: JudgedSet): void {
    if (outputs.found !== 'true') return;
    const files = [...sealed.objects]
      .map(([path, { bytes }]) => {
        const sha256 = createHash('sha256').update(bytes).digest('base64');
        return { path, size: bytes.length, sha256, key: `${outputs['artifact-prefix']}${path}` };
      })
      .sort((left, right) => Buffer.compare(Buffer.from(left.path), Buffer.from(right.path)));
    this.witness.equal(outputs.files, JSON.stringify(files), `the files that ${step.mode} names`);
  }

  /** Expects that a restore brought back one build if it succeeded, and otherwise at least no torn file. */
  async expectRestored({ step, result }: Ending): Promise<void> {
    const { files } = await readDirectory(step.packages);
    const isOneBuild = this.builds.some((build) => differences(build, files).length === 0);
    if (result.outputs.restored === 'true') this.witness.expect(isOneBuild, 'what was restored to be one build');
    const torn = [...files].filter(
      ([path, { bytes }]) =>
        !this.builds.some((build) => Buffer.from(build.get(path)?.bytes ?? [0]).equals(bytes) && build.has(path)),
    );
    this.witness.equal(
      torn.map(([path]) => path),
      [],
      'the torn files that a restore has left',
    );
  }
}
