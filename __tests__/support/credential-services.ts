import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';

type Answer = (response: ServerResponse, request: IncomingMessage) => unknown;

/** Keys as a service hands them out. */
export interface HandedOut {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Stand-ins for the services that runners get credentials from, all at one address: GitHub's tokens (`/github-token`),
 * containers (`/container`), a machine's metadata (`/latest/…`), and SSO by its host. All else is forwarded to `onward`,
 * where a local server plays STS and S3.
 */
export class CredentialServices implements AsyncDisposable {
  /** `METHOD host/path` of each request. */
  readonly lines: string[] = [];
  /** Headers of each request. */
  readonly headers: IncomingMessage['headers'][] = [];
  /** Replies that replace the usual ones, each used once, for requests whose line contains the text. */
  readonly answers: { readonly on: string; readonly answer: Answer }[] = [];
  /** Makes the keys that container, machine and SSO hand out. */
  keys: () => HandedOut;
  readonly #onwardPort: number;
  readonly #server: Server = createServer((incoming, response) => this.#answer(incoming, response));

  private constructor(onwardPort: number, keys: () => HandedOut) {
    this.#onwardPort = onwardPort;
    this.keys = keys;
  }

  static async start(onwardPort: number, keys: () => HandedOut): Promise<CredentialServices> {
    const services = new CredentialServices(onwardPort, keys);
    await new Promise<void>((done) => services.#server.listen(0, '127.0.0.1', done));
    return services;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The variables of a job that may request GitHub's token. */
  get tokenVariables(): Record<string, string> {
    return {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${this.url}/github-token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'bearer-1',
    };
  }

  /** The variables of a task or pod. */
  get containerVariables(): Record<string, string> {
    return {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${this.url}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'task-token',
    };
  }

  /** The variables that point to the machine's metadata. */
  get machineVariables(): Record<string, string> {
    return { AWS_EC2_METADATA_SERVICE_ENDPOINT: this.url, AWS_EC2_METADATA_DISABLED: 'false' };
  }

  requestsTo(path: string): string[] {
    return this.lines.filter((line) => line.includes(path));
  }

  #answer(incoming: IncomingMessage, response: ServerResponse): void {
    const line = `${incoming.method} ${incoming.headers.host}${incoming.url}`;
    this.lines.push(line);
    this.headers.push(incoming.headers);
    const index = this.answers.findIndex(({ on }) => line.includes(on));
    const [special] = index < 0 ? [] : this.answers.splice(index, 1);
    const usual = ANSWERS.find(([pattern]) => pattern.test(line))?.[1];
    if (special !== undefined) special.answer(response, incoming);
    else if (usual !== undefined) response.end(usual(this, incoming));
    else this.#passOn(incoming, response);
  }

  #passOn(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, headers, url: path } = incoming;
    const outgoing = request({ port: this.#onwardPort, method, headers, path }, (reply) => {
      response.writeHead(reply.statusCode ?? 500, reply.rawHeaders);
      reply.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

/** The usual replies; the first pattern that matches the request's line counts. */
const ANSWERS: readonly [RegExp, (services: CredentialServices, request: IncomingMessage) => string][] = [
  [/\/github-token\?/, (services, { url }) => JSON.stringify({ value: tokenFor(url, services.lines.length) })],
  [/\/container$/, ({ keys }) => JSON.stringify(inContainer(keys()))],
  [/^PUT .*\/latest\/api\/token$/, () => 'metadata-token'],
  [/\/security-credentials\/$/, () => 'machine-role'],
  [/\/security-credentials\/machine-role$/, ({ keys }) => JSON.stringify({ Code: 'Success', ...inContainer(keys()) })],
  [/ portal\.sso\.[^/]+\/federation\/credentials\?/, ({ keys }) => JSON.stringify({ roleCredentials: inSso(keys()) })],
];

function inContainer({ accessKeyId, secretAccessKey, sessionToken, expiresAt }: HandedOut) {
  const Expiration = new Date(expiresAt).toISOString().replace(/\.\d+/, '');
  return { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken, Expiration };
}

function inSso({ expiresAt, ...keys }: HandedOut) {
  return { ...keys, expiration: expiresAt };
}

/** A token that local STS can read; it verifies no signature. */
export function tokenFor(url: string | undefined, jti: number): string {
  const audience = new URL(url ?? '', 'http://x').searchParams.get('audience');
  const claims = { aud: audience, sub: 'repo:o/r', iss: 'https://token', jti };
  const segments = [{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return `${segments.join('.')}.signature`;
}

/** An error page of a gateway. */
export const PAGE: Answer = (response) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><html><p>Log in</p></html>');
