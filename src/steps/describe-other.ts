import { counted } from '../core/counted.ts';
import { printable } from '../core/printable.ts';
import { describeWriter } from '../core/record.ts';
import type { Disagreement, Verdict } from '../core/verdict.ts';

const DAMAGE = {
  missing: 'is missing',
  size: 'has another size than its record says',
  etag: 'has another ETag than its record says',
} as const satisfies Record<Disagreement['difference'], string>;

/** One sentence about a set that is not known to be complete: why it counts or not. */
export function describeOther(
  verdict: Exclude<Verdict, { reason: 'complete' }>,
  { where, count }: { readonly where: string; readonly count: number },
): string {
  switch (verdict.reason) {
    case 'legacy':
      return `Found ${counted(count, 'asset')}, without a record, at ${where}.`;
    case 'damaged': {
      const { file, difference } = verdict.disagreement;
      return `The set at ${where} is damaged: '${printable(file.path)}' ${DAMAGE[difference]}.`;
    }
    case 'archived':
      return `The set at ${where} is archived, so it can't be used: nothing can read or copy '${printable(verdict.name)}'. The next upload replaces it; let neither a lifecycle rule nor Intelligent-Tiering archive it again.`;
    case 'in-progress':
      return `${where} is being written by ${describeWriter(verdict.record.writer)}.`;
    case 'incomplete':
      return `The set at ${where} is incomplete: ${verdict.detail}.`;
    case 'absent':
      return `There is nothing at ${where}.`;
  }
}
