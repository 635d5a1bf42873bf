import { join } from 'node:path';
import { cloudEnvironment, type Place } from './place.ts';
import type { Timed } from './process-meter.ts';

const PROGRAM = join(import.meta.dirname, 'python_tool.py');

export interface PythonToolOptions {
  /** The path of a Python that has boto3. */
  readonly python: string;
  readonly command: 'check' | 'upload';
  readonly place: Place;
  readonly repository: string;
  readonly packages: string;
  /** Undefined turns its cache off. */
  readonly filter?: string;
}

/** The retelling of the Python tool, configured as its users do. */
export function timedPythonTool(options: PythonToolOptions): Timed {
  const { python, command, place, repository, packages, filter } = options;
  return {
    commands: [[python, PROGRAM, command]],
    env: {
      ...cloudEnvironment(place),
      PACKAGE_ASSETS_BUCKET: place.bucket,
      GIT_REPO_PATH: repository,
      PACKAGE_DIRECTORY: packages,
      ...(filter === undefined ? {} : { CODE_HASH_FIND_FILTER: filter }),
    },
    cwd: place.home,
    output: join(place.home, 'python-tool.log'),
  };
}
