import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';

/** Accepts TLS under given names, and forwards the plain bytes to a port of this machine. */
export class TlsFront implements AsyncDisposable {
  /** Path of the self-signed certificate. */
  readonly certificate: string;
  /** Server names that clients have requested. */
  readonly serverNames: (string | false | null)[] = [];
  readonly #server: Server;
  readonly #directory: string;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, { directory, path }: Certificate) {
    this.#server = server;
    this.#directory = directory;
    this.certificate = path;
  }

  /** @param names for the certificate */
  static async start(port: number, names: readonly string[]): Promise<TlsFront> {
    const directory = await mkdtemp(join(tmpdir(), 's3-asset-manager-tls-'));
    const certificate = makeCertificate(directory, names);
    const [key, cert] = await Promise.all([readFile(certificate.keyPath), readFile(certificate.path)]);
    const server = createServer({ key, cert });
    const front = new TlsFront(server, certificate);
    server.on('secureConnection', (socket) => {
      front.serverNames.push(socket.servername);
      front.#join(socket, connect(port, '127.0.0.1'));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return front;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  #join(one: Socket, other: Socket): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.#sockets.add(from);
      from
        .on('error', () => to.destroy())
        .on('close', () => to.destroy())
        .pipe(to);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
    await rm(this.#directory, { recursive: true });
  }
}

export interface Certificate {
  /** The directory of both files, whose names MinIO expects. */
  readonly directory: string;
  readonly path: string;
  readonly keyPath: string;
}

/**
 * Makes a self-signed certificate.
 *
 * @param names of hosts (`DNS:s3.internal`) and addresses (`IP:127.0.0.1`)
 */
export function makeCertificate(directory: string, names: readonly string[]): Certificate {
  const [path, keyPath] = [join(directory, 'public.crt'), join(directory, 'private.key')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const options = ['-x509', ...curve, '-nodes', '-days', '2', '-subj', '/CN=pretended'];
  const files = ['-keyout', keyPath, '-out', path];
  const alternatives = ['-addext', `subjectAltName=${names.join(',')}`];
  execFileSync('openssl', ['req', ...options, ...files, ...alternatives], { stdio: 'ignore' });
  return { directory, path, keyPath };
}
