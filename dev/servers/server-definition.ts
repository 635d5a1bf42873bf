import type { Certificate } from '../local-s3/tls-front.ts';
import type { Credentials } from './site.ts';

/** An S3 server to test against: its source, and how to run it without Docker. */
export interface ServerDefinition {
  /** Used in options and file names. */
  readonly id: string;
  /** The official spelling. */
  readonly name: string;
  readonly version: string;
  /** Path of the program, relative to the directory it is installed into. */
  readonly program: string;
  /** The command that installs the program into a directory. */
  install(directory: string): InstallCommand;
  launch(place: LaunchPlace): Launch;
}

export interface InstallCommand {
  /** Name of a program on the PATH. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface LaunchPlace {
  /** Ports of 127.0.0.1: the first is for S3, the other for anything else that the server opens. */
  readonly ports: readonly [number, number];
  readonly dataDirectory: string;
  readonly credentials: Credentials;
  /** For TLS; plain HTTP if undefined. */
  readonly certificate: Certificate | undefined;
}

export interface Launch {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}
