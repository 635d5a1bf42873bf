import type { ServerDefinition } from './server-definition.ts';

const VERSION = '1.8.0';

/** https://github.com/versity/versitygw: objects are files on a file system with extended attributes. */
export const VERSITYGW: ServerDefinition = {
  id: 'versitygw',
  name: 'versitygw',
  version: VERSION,
  program: 'versitygw',
  install: (directory) => ({
    program: 'go',
    args: ['install', `github.com/versity/versitygw/cmd/versitygw@v${VERSION}`],
    env: { GOBIN: directory },
  }),
  launch: ({ ports: [port], dataDirectory, credentials, certificate }) => ({
    args: [
      ...['--access', credentials.accessKeyId, '--secret', credentials.secretAccessKey],
      ...(certificate === undefined ? [] : ['--cert', certificate.path, '--key', certificate.keyPath]),
      ...['--port', `127.0.0.1:${port}`, '--keep-alive', '--quiet', 'posix', dataDirectory],
    ],
  }),
};
