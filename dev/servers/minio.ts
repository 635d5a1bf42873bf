import type { ServerDefinition } from './server-definition.ts';

/** The last commit of the open-source server; Go's module system does not know its releases. */
const VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c';

/** https://github.com/minio/minio */
export const MINIO: ServerDefinition = {
  id: 'minio',
  name: 'MinIO',
  version: VERSION,
  program: 'minio',
  install: (directory) => ({
    program: 'go',
    args: ['install', `github.com/minio/minio@${VERSION}`],
    env: { GOBIN: directory },
  }),
  launch: ({ ports: [port, consolePort], dataDirectory, credentials, certificate }) => ({
    args: [
      ...['server', '--quiet', '--address', `127.0.0.1:${port}`],
      ...(certificate === undefined ? [] : ['--certs-dir', certificate.directory]),
      ...['--console-address', `127.0.0.1:${consolePort}`, dataDirectory],
    ],
    env: {
      MINIO_ROOT_USER: credentials.accessKeyId,
      MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
  }),
};
