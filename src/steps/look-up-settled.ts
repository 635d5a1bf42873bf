import type { SetLocation } from '../core/keys.ts';
import type { Ports } from '../ports.ts';
import { type Finding, type LookUp, lookUp } from './look-up.ts';

/**
 * Looks a set up, and while another run is writing it looks again, until it settles or the time is up.
 *
 * @param waitMs how long to wait at most; a promotion is waited for 15 s in any case
 * @returns the last finding, still `in-progress` when the time was up
 */
export async function lookUpSettled(
  context: LookUp & Pick<Ports, 'log' | 'signal'>,
  location: SetLocation,
  waitMs: number,
): Promise<Finding> {
  const first = await lookUp(context, location);
  if (first.verdict.reason !== 'in-progress') return first;
  const { waitForSets } = await import('./wait-for-set.ts');
  const [last = first] = await waitForSets(context, [first], waitMs);
  return last;
}
