import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MARKERS } from '../../src/asset-set/path.ts';
import { type Build, makeBuild, rebuild, writeBuild } from './build.ts';
import type { Dice } from './dice.ts';
import type { SetName } from './judge.ts';
import type { Lane, Step } from './lane.ts';

// The operations that are killed, each with the contents of the bucket when it begins.

/** One operation to kill. */
export interface Scene {
  readonly own: SetName;
  /** The set of the same code; undefined if the operation does not touch it. */
  readonly cache: SetName | undefined;
  /** Every build whose bytes may be in the bucket. */
  readonly builds: readonly [Build, ...Build[]];
  /** The one that the next run must end with. */
  readonly target: Build;
  readonly victim: Step;
  /** The next step, in a later attempt of the same run or in another run. */
  readonly next: Omit<Step, 'runId' | 'attempt'>;
}

export const SCENES = [
  'upload',
  'resumed upload',
  'rebuilt upload',
  'overwriting upload',
  'promotion',
  'promotion over half an upload',
  'restore',
] as const;

export type SceneName = (typeof SCENES)[number];

/** One request at a time, so that requests have fixed numbers; the parts of a file are still sent in parallel. */
const ONE_BY_ONE = { concurrency: '1' };

/** Sets the scenes of one lane. Sets that operations only read are stored once. */
export class SceneSetter {
  readonly #lane: Lane;
  readonly #dice: Dice;
  readonly #built: { readonly build: Build; readonly folder: string }[] = [];
  #first: { readonly build: Build; readonly rebuilt: Build } | undefined;
  #stored: Promise<StoredSet> | undefined;

  constructor(lane: Lane, dice: Dice) {
    this.#lane = lane;
    this.#dice = dice;
  }

  set(name: SceneName, dice: Dice): Promise<Scene> {
    switch (name) {
      case 'upload':
        return this.#upload(dice);
      case 'resumed upload':
        return this.#secondUpload(dice, 'same');
      case 'rebuilt upload':
        return this.#secondUpload(dice, 'rebuilt');
      case 'overwriting upload':
        return this.#overwrite(dice);
      case 'promotion':
        return this.#promotion(dice);
      case 'promotion over half an upload':
        return this.#promotionOverUpload(dice);
      case 'restore':
        return this.#restore();
    }
  }

  get #builds() {
    if (this.#first === undefined) {
      const build = makeBuild(this.#dice.fork('build'), { isLarge: true });
      this.#first = { build, rebuilt: rebuild(build, this.#dice.fork('rebuild')) };
    }
    return this.#first;
  }

  /** A folder with a build just as it was made: without markers of an earlier step. */
  async packagesOf(build: Build): Promise<string> {
    const known = this.#built.find((candidate) => candidate.build === build)?.folder;
    const folder = known ?? this.#lane.newFolder();
    if (known === undefined) {
      await writeBuild(folder, build);
      this.#built.push({ build, folder });
    }
    for (const marker of MARKERS) await rm(join(folder, marker), { force: true });
    return folder;
  }

  async #upload(dice: Dice): Promise<Scene> {
    const { build } = this.#builds;
    const step = { ...setStep(dice), mode: 'upload', packages: await this.packagesOf(build) } as const;
    return { ...setsOf(step), builds: [build], target: build, victim: { ...step, runId: 1, attempt: 1 }, next: step };
  }

  /** An upload after one that was killed in the middle of a file's parts. */
  async #secondUpload(dice: Dice, kind: 'same' | 'rebuilt'): Promise<Scene> {
    const scene = await this.#upload(dice);
    await this.#killHalfway(scene.victim);
    const { rebuilt } = this.#builds;
    const target = kind === 'same' ? scene.target : rebuilt;
    const next = { ...scene.next, packages: await this.packagesOf(target) };
    return { ...scene, target, builds: [scene.target, rebuilt], next, victim: { ...next, runId: 1, attempt: 2 } };
  }

  async #killHalfway(upload: Step): Promise<void> {
    const half = await this.#lane.run(upload, {
      kind: 'request',
      time: 'before',
      isReached: ({ operation, target }) => operation === 'UploadPart' && target.includes('partNumber=2'),
    });
    if (!half.isKilled) throw new Error('The first upload was not killed half-way');
  }

  async #overwrite(dice: Dice): Promise<Scene> {
    const scene = await this.#upload(dice);
    await succeed(this.#lane, scene.victim);
    const { rebuilt } = this.#builds;
    const packages = await this.packagesOf(rebuilt);
    const next = { ...scene.next, packages, inputs: { ...ONE_BY_ONE, overwrite: 'true' } };
    const victim = { ...next, runId: 1, attempt: 2 };
    return { ...scene, builds: [scene.target, rebuilt], target: rebuilt, next, victim };
  }

  /** A promotion of the one stored set, to a new commit each time. */
  async #promotion(dice: Dice): Promise<Scene> {
    const { build, prefix, codeHash } = await this.#storedSet();
    const packages = this.#lane.newFolder();
    const step = { mode: 'check', commit: dice.hex(40), codeHash, prefix, packages, inputs: ONE_BY_ONE } as const;
    const victim = { ...step, runId: 1, attempt: 1 };
    return { ...setsOf(step), builds: [build], target: build, victim, next: { ...step, mode: 'check' } };
  }

  /** A promotion to a commit whose own upload was killed in the middle of a file's parts. */
  async #promotionOverUpload(dice: Dice): Promise<Scene> {
    const scene = await this.#promotion(dice);
    await this.#killHalfway({ ...scene.victim, mode: 'upload', packages: await this.packagesOf(scene.target) });
    return { ...scene, victim: { ...scene.victim, attempt: 2 } };
  }

  /** A restore of the one stored set, into a new folder each time. */
  async #restore(): Promise<Scene> {
    const { build, ...stored } = await this.#storedSet();
    const step = { ...stored, mode: 'restore', packages: this.#lane.newFolder(), inputs: ONE_BY_ONE } as const;
    return { ...setsOf(step), builds: [build], target: build, victim: { ...step, runId: 1, attempt: 1 }, next: step };
  }

  #storedSet(): Promise<StoredSet> {
    this.#stored ??= this.#store();
    return this.#stored;
  }

  async #store(): Promise<StoredSet> {
    const { target, victim } = await this.#upload(this.#dice.fork('stored'));
    await succeed(this.#lane, victim);
    return { build: target, commit: victim.commit, codeHash: victim.codeHash, prefix: victim.prefix };
  }
}

interface StoredSet {
  readonly build: Build;
  readonly commit: string;
  readonly codeHash: string | undefined;
  readonly prefix: string;
}

/** A commit that no other step uses, under a prefix of its own. */
function setStep(dice: Dice) {
  return { commit: dice.hex(40), codeHash: dice.hex(64), prefix: `proof/${dice.hex(8)}`, inputs: ONE_BY_ONE };
}

function setsOf({ prefix, commit, codeHash }: Pick<Step, 'prefix' | 'commit' | 'codeHash'>) {
  const cache = codeHash === undefined ? undefined : ({ prefix, folder: 'cache', id: codeHash } as const);
  return { cache, own: { prefix, folder: 'artifacts', id: commit } as const };
}

async function succeed(lane: Lane, step: Step): Promise<void> {
  const { exitCode, lines } = await lane.run(step);
  if (exitCode !== 0) throw new Error(`${step.mode} failed while a scene was set:\n${lines.join('\n')}`);
}
