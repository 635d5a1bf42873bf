import { counted } from '../core/counted.ts';
import { printable } from '../core/printable.ts';
import { describeWriter } from '../core/record.ts';
import type { Disagreement } from '../core/verdict.ts';
import type { Finding } from './look-up.ts';

const DAMAGE = {
  missing: 'is missing',
  size: 'has another size than its record says',
  etag: 'has another ETag than its record says',
} as const satisfies Record<Disagreement['difference'], string>;

/** One sentence a set: what was found there, and why it counts or not. */
export function describeFinding({ location, verdict, listing }: Finding, bucket: string): string {
  const where = `s3://${bucket}/${location.prefix}`;
  switch (verdict.reason) {
    case 'complete':
      return `Found ${counted(verdict.record.files.length, 'asset')} at ${where}.`;
    case 'legacy':
      return `Found ${counted(listing.size, 'asset')}, without a record, at ${where}.`;
    case 'damaged': {
      const { file, difference } = verdict.disagreement;
      return `The set at ${where} is damaged: '${printable(file.path)}' ${DAMAGE[difference]}.`;
    }
    case 'in-progress':
      return `${where} is being written by ${describeWriter(verdict.record.writer)}.`;
    case 'incomplete':
      return `The set at ${where} is incomplete: ${verdict.detail}.`;
    case 'absent':
      return `There is nothing at ${where}.`;
  }
}
