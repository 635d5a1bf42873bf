import { MINIO } from './minio.ts';
import { SEAWEEDFS } from './seaweedfs.ts';
import type { ServerDefinition } from './server-definition.ts';
import { VERSITYGW } from './versitygw.ts';

/** In the order in which they are tested and shown. */
export const SERVERS: readonly ServerDefinition[] = [SEAWEEDFS, VERSITYGW, MINIO];
