import type { Peers } from './peers.ts';
import { cloudEnvironment, type Place, REGION } from './place.ts';
import { RCLONE, S5CMD } from './work.ts';

type Command = readonly string[];

/** A program that moves whole folders to and from S3. Prefixes end in `/`. */
export interface TransferProgram {
  readonly name: string;
  env(place: Place): Record<string, string>;
  upload(folder: string, bucket: string, prefix: string): Command;
  copy(bucket: string, from: string, to: string): Command;
  download(bucket: string, prefix: string, folder: string): Command;
  list(bucket: string, prefix: string): Command;
}

/** @returns the available programs, each with a suitable number of transfers at once and without output */
export function transferPrograms({ s5cmd, rclone, aws }: Peers): TransferProgram[] {
  return [
    ...(s5cmd === undefined ? [] : [s5cmdProgram(s5cmd)]),
    ...(rclone === undefined ? [] : [rcloneProgram(rclone)]),
    ...(aws === undefined ? [] : [awsProgram(aws)]),
  ];
}

/** https://github.com/peak/s5cmd: 256 workers by default. */
function s5cmdProgram(path: string): TransferProgram {
  const copy = (from: string, to: string): Command => [path, '--log', 'error', 'cp', from, to];
  return {
    name: S5CMD,
    env: cloudEnvironment,
    upload: (folder, bucket, prefix) => copy(`${folder}/*`, `s3://${bucket}/${prefix}`),
    copy: (bucket, from, to) => copy(`s3://${bucket}/${from}*`, `s3://${bucket}/${to}`),
    download: (bucket, prefix, folder) => copy(`s3://${bucket}/${prefix}*`, `${folder}/`),
    list: (bucket, prefix) => [path, 'ls', `s3://${bucket}/${prefix}`],
  };
}

/** https://rclone.org/s3/: 4 transfers by default, which is too few for small files. */
function rcloneProgram(path: string): TransferProgram {
  const many = ['--transfers', '64', '--checkers', '64', '--no-check-dest', '--no-traverse', '--fast-list'];
  const copy = (from: string, to: string): Command => [path, 'copy', ...many, from, to];
  return {
    name: RCLONE,
    env: (place) => ({
      ...cloudEnvironment(place),
      RCLONE_CONFIG_S3_TYPE: 's3',
      RCLONE_CONFIG_S3_PROVIDER: 'Other',
      RCLONE_CONFIG_S3_ENV_AUTH: 'true',
      RCLONE_CONFIG_S3_REGION: REGION,
      RCLONE_CONFIG_S3_ENDPOINT: place.endpoint,
      RCLONE_CONFIG_S3_NO_CHECK_BUCKET: 'true',
    }),
    upload: (folder, bucket, prefix) => copy(folder, `s3:${bucket}/${prefix}`),
    copy: (bucket, from, to) => copy(`s3:${bucket}/${from}`, `s3:${bucket}/${to}`),
    download: (bucket, prefix, folder) => copy(`s3:${bucket}/${prefix}`, folder),
    list: (bucket, prefix) => [path, 'lsf', `s3:${bucket}/${prefix}`],
  };
}

/** https://docs.aws.amazon.com/cli/latest/reference/s3 */
function awsProgram(path: string): TransferProgram {
  const copy = (from: string, to: string): Command => [path, 's3', 'cp', '--recursive', '--only-show-errors', from, to];
  return {
    name: 'aws-cli',
    // versitygw 1.8.0 refuses some of the parts that end in a checksum, which aws-cli sends over TLS.
    env: (place) => ({ ...cloudEnvironment(place), AWS_REQUEST_CHECKSUM_CALCULATION: 'when_required' }),
    upload: (folder, bucket, prefix) => copy(folder, `s3://${bucket}/${prefix}`),
    copy: (bucket, from, to) => copy(`s3://${bucket}/${from}`, `s3://${bucket}/${to}`),
    download: (bucket, prefix, folder) => copy(`s3://${bucket}/${prefix}`, folder),
    list: (bucket, prefix) => [path, 's3', 'ls', `s3://${bucket}/${prefix}`],
  };
}
