import { split } from '../../../src/asset-set/attributes.ts';
import type { Marker } from '../../../src/asset-set/path.ts';
import type { FileSelection, IncomingFile, OpenFile, PackageDirectory, ScannedFile } from '../../../src/ports.ts';
import { digestsOf } from './contents.ts';

/** The package directory of one process, in memory. */
export class ModelDirectory implements PackageDirectory {
  readonly path = 'packages';
  readonly files: Map<string, Buffer>;
  readonly markers = new Map<Marker, string>();

  constructor(files: Iterable<readonly [string, Buffer]>) {
    this.files = new Map(files);
  }

  async exists(): Promise<boolean> {
    return true;
  }

  async create(): Promise<void> {}

  async scan(_selection: FileSelection): Promise<readonly ScannedFile[]> {
    return [...this.files]
      .map(([path, bytes]) => ({ path, sizeBytes: bytes.length, executable: false }))
      .sort((left, right) => (left.path < right.path ? -1 : 1));
  }

  async countFiles(): Promise<number> {
    return this.files.size;
  }

  async open(path: string): Promise<OpenFile> {
    const opened = this.files.get(path);
    if (opened === undefined) throw new Error(`There is no ${path}`);
    return {
      sizeBytes: opened.length,
      read: async (position, lengthBytes) => {
        const bytes = this.files.get(path) ?? opened;
        if (position + lengthBytes > bytes.length) throw new Error(`${path} has become shorter`);
        return bytes.subarray(position, position + lengthBytes);
      },
      digests: async ({ parts: { sizeBytes: partSizeBytes } }) => {
        const bytes = this.files.get(path) ?? opened;
        const parts = split(bytes.length, partSizeBytes).map(({ position, sizeBytes }) =>
          digestsOf(bytes.subarray(position, position + sizeBytes)),
        );
        return { whole: digestsOf(bytes).sha256, parts: parts.map(({ sha256 }) => sha256) };
      },
      // A change too soon after another one does not show in the file's times.
      assertUnchanged: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
  }

  async digest(path: string, sizeBytes: number): Promise<string | undefined> {
    const bytes = this.files.get(path);
    return bytes?.length === sizeBytes ? digestsOf(bytes).sha256 : undefined;
  }

  async receive(path: string): Promise<IncomingFile> {
    const ranges = new Map<number, Uint8Array>();
    const whole = () => Buffer.concat([...ranges].sort(([left], [right]) => left - right).map(([, bytes]) => bytes));
    return {
      write: async (position, bytes) => {
        ranges.set(position, Buffer.from(bytes));
      },
      keep: async () => {
        this.files.set(path, whole());
      },
      [Symbol.asyncDispose]: async () => {},
    };
  }

  async readMarker(name: Marker): Promise<string | undefined> {
    return this.markers.get(name);
  }

  async writeMarker(name: Marker, text: string | Iterable<string>): Promise<void> {
    this.markers.set(name, [...text].join(''));
  }

  async removeMarker(name: Marker): Promise<void> {
    this.markers.delete(name);
  }
}
