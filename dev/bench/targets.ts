import type { Results } from './contest.ts';
import { LINK_NAMES, type LinkName } from './link.ts';

type Links = readonly LinkName[];

/** A target that must be met. */
export interface Target {
  /** A sentence that includes the limit. */
  readonly says: string;
  readonly links: Links;
  /** @returns undefined if the program it compares with was not measured */
  judge(results: Results): Judgement | undefined;
}

export interface Judgement {
  readonly value: string;
  readonly isReached: boolean;
}

/** The first name of every target is the program whose cost is judged. */
interface Pair {
  readonly of: string;
  readonly than: string;
}

const MB = 1e6;

export function timeRatio({ of, than }: Pair, most: number, links: Links = LINK_NAMES): Target {
  return target(`at most ${most.toFixed(2)} × the time of ${than}`, links, (results) => {
    const ratio = wallMs(results, of) / wallMs(results, than);
    return { value: `${ratio.toFixed(2)} ×`, isReached: ratio <= most };
  });
}

export function cpuRatio({ of, than }: Pair, most: number, links: Links = LINK_NAMES): Target {
  return target(`at most ${most.toFixed(2)} × the CPU time of ${than}`, links, (results) => {
    const ratio = summary(results, of).cpuMs / summary(results, than).cpuMs;
    return { value: `${ratio.toFixed(2)} ×`, isReached: ratio <= most };
  });
}

export function timesFaster({ of, than }: Pair, least: number, links: Links = LINK_NAMES): Target {
  return target(`at least ${least} × faster than ${than}`, links, (results) => {
    const factor = wallMs(results, than) / wallMs(results, of);
    return { value: `${factor.toFixed(1)} ×`, isReached: factor >= least };
  });
}

export function peakMemory(of: string, mostMb: number, links: Links = LINK_NAMES): Target {
  return target(`peak memory at most ${mostMb} MB`, links, (results) => {
    const peakMb = summary(results, of).peakBytes / MB;
    return { value: `${peakMb.toFixed(0)} MB`, isReached: peakMb <= mostMb };
  });
}

/** Two sets of different sizes, the small one first. */
export interface Growth {
  readonly says: string;
  readonly small: { readonly name: string; readonly files: number };
  readonly large: { readonly name: string; readonly files: number };
}

/** Two measurements of the same thing may differ by this much. */
const NOISE = 1.1;

export function timeAFileStays({ says, small, large }: Growth, links: Links = LINK_NAMES): Target {
  return target(`${says}: time a file does not grow`, links, (results) => {
    const [before, after] = [small, large].map(({ name, files }) => wallMs(results, name) / files);
    const value = `${before?.toFixed(3)} → ${after?.toFixed(3)} ms`;
    return { value, isReached: (after ?? Number.NaN) <= (before ?? Number.NaN) * NOISE };
  });
}

class NotMeasured extends Error {}

function target(says: string, links: Links, judge: (results: Results) => Judgement): Target {
  return {
    says,
    links,
    judge: (results) => {
      try {
        return judge(results);
      } catch (error) {
        if (error instanceof NotMeasured) return undefined;
        throw error;
      }
    },
  };
}

function summary(results: Results, name: string) {
  const found = results.get(name);
  if (found === undefined) throw new NotMeasured(name);
  return found;
}

function wallMs(results: Results, name: string): number {
  return summary(results, name).wallMs;
}
