import { MINIO } from './minio.ts';
import { SEAWEEDFS } from './seaweedfs.ts';
import type { ServerDefinition } from './server-definition.ts';
import { VERSITYGW } from './versitygw.ts';

/** In the order of tests and of the page. */
export const SERVERS: readonly ServerDefinition[] = [SEAWEEDFS, VERSITYGW, MINIO];
