import type { Work } from './work.ts';
import { CHECK_HIT } from './works/check-hit.ts';
import { CHECK_HIT_TLS } from './works/check-hit-tls.ts';
import { CHECK_MISS } from './works/check-miss.ts';
import { CHECK_PROMOTED } from './works/check-promoted.ts';
import { GROWTH } from './works/growth.ts';
import { RESTORE_LARGE, RESTORE_SMALL } from './works/restore.ts';
import { UPLOAD_CACHED, UPLOAD_LARGE, UPLOAD_SMALL } from './works/upload.ts';

/** In the order in which they are measured and shown. */
export const WORKS: readonly Work[] = [
  CHECK_HIT,
  CHECK_HIT_TLS,
  CHECK_MISS,
  CHECK_PROMOTED,
  UPLOAD_SMALL,
  UPLOAD_CACHED,
  UPLOAD_LARGE,
  RESTORE_SMALL,
  RESTORE_LARGE,
  GROWTH,
];
