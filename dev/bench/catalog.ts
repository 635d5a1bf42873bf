import type { Work } from './work.ts';
import { CHECK_HIT } from './works/check-hit.ts';
import { CHECK_MISS } from './works/check-miss.ts';
import { CHECK_PACKAGES } from './works/check-packages.ts';
import { GROWTH } from './works/growth.ts';
import { PROMOTIONS } from './works/promotion.ts';
import { RESTORES } from './works/restore.ts';
import { UPLOADS } from './works/upload.ts';

/** In the order of measurement and of the report. */
export const WORKS: readonly Work[] = [
  CHECK_HIT,
  CHECK_MISS,
  CHECK_PACKAGES,
  ...PROMOTIONS,
  ...UPLOADS,
  ...RESTORES,
  GROWTH,
];
