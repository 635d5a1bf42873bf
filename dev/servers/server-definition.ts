import type { Certificate } from '../local-s3/tls-front.ts';
import type { Credentials } from './site.ts';

/** An S3 server that is tested against: where it comes from, and how it is run without Docker. */
export interface ServerDefinition {
  /** For options and file names. */
  readonly id: string;
  /** As its makers write it. */
  readonly name: string;
  readonly version: string;
  /** Where the program is once it is installed, relative to the directory it was installed into. */
  readonly program: string;
  /** How the program gets into a directory. */
  install(directory: string): InstallCommand;
  launch(place: LaunchPlace): Launch;
}

export interface InstallCommand {
  /** By its name on the PATH. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface LaunchPlace {
  /** Ports of 127.0.0.1: the first is for S3, the others for whatever else the server opens. */
  readonly ports: readonly [number, number];
  readonly dataDirectory: string;
  readonly credentials: Credentials;
  /** For TLS; undefined means plain HTTP. */
  readonly certificate: Certificate | undefined;
}

export interface Launch {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}
