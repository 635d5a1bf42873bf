import { CLAIMS } from './mutants/claim.ts';
import { COMPLETING } from './mutants/completing.ts';
import { CONDITIONS } from './mutants/conditions.ts';
import { JUDGING } from './mutants/judging.ts';
import { LEASE } from './mutants/lease.ts';
import type { Mutant } from './mutants/mutant.ts';
import { OVERWRITING } from './mutants/overwriting.ts';
import { PROVENANCE } from './mutants/provenance.ts';
import { RENEWING } from './mutants/renewing.ts';
import { RESTORING } from './mutants/restoring.ts';
import { SEARCHING } from './mutants/searching.ts';
import { SENDING } from './mutants/sending.ts';

export type { Mutant } from './mutants/mutant.ts';

/** Every guard of the protocol. The model must notice when any of them is removed. */
export const MUTANTS: readonly Mutant[] = [
  ...CONDITIONS,
  ...CLAIMS,
  ...RENEWING,
  ...LEASE,
  ...SENDING,
  ...COMPLETING,
  ...JUDGING,
  ...SEARCHING,
  ...OVERWRITING,
  ...PROVENANCE,
  ...RESTORING,
];
