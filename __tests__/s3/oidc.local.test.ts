import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type LocalS3, startLocalS3 } from '../../dev/local-s3/local-s3.ts';
import type { StoreSettings } from '../../src/s3/settings.ts';
import { useEnvironment } from './environment.ts';
import { BUCKET, faultOf, keysIn, prepare, ROLE, ROLE_ARN, storeAt } from './stores.ts';

const BY_TOKEN: Partial<StoreSettings> = { credentials: undefined, role: ROLE };

type Answer = (response: ServerResponse) => unknown;

/** Stands in for GitHub: issues a new token for every authorised request. */
class TokenServer {
  readonly requests: IncomingMessage[] = [];
  /** Answers instead of a token, one request each. */
  readonly answers: Answer[] = [];
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));

  async start(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(request);
    const answer = this.answers.shift() ?? giveToken(request, String(this.requests.length));
    answer(response);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

function giveToken({ url }: IncomingMessage, jti: string): Answer {
  const audience = new URL(url ?? '', 'http://x').searchParams.get('audience');
  const claims = { aud: audience, sub: 'repo:o/r', iss: 'https://token', jti };
  const segments = [{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return (response) => response.end(JSON.stringify({ count: 1, value: `${segments.join('.')}.signature` }));
}

const setVariables = useEnvironment();
let server: LocalS3;
let tokens: TokenServer;
beforeAll(async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0.02);
  server = await startLocalS3({
    buckets: [BUCKET],
    now: () => Date.now(),
    roles: [{ arn: ROLE_ARN }],
    checkWebIdentity: ({ claims }) => claims.aud === 'sts.amazonaws.com',
  });
});
beforeEach(async () => {
  prepare(server);
  server.clearRequests();
  tokens = new TokenServer();
  setVariables({
    AWS_ENDPOINT_URL_STS: server.url,
    ACTIONS_ID_TOKEN_REQUEST_URL: `${await tokens.start()}/token/1?api-version=2.0&x=a%20b`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'bearer-1',
  });
});
afterEach(async () => {
  server.fault = undefined;
  await tokens.close();
});
afterAll(async () => {
  jest.restoreAllMocks();
  await server.close();
});

function assumptions() {
  return server.requests.filter(({ parameters }) => parameters.Action?.startsWith('AssumeRole'));
}

describe('a role', () => {
  it('is assumed with a token for the given audience if there are no keys', async () => {
    const store = storeAt(server, BY_TOKEN);
    await Promise.all([keysIn(store), store.readDocument('doc'), store.head('doc')]);
    expect(tokens.requests).toHaveLength(1);
    const [{ url, headers } = { url: '', headers: {} }] = tokens.requests;
    expect(Object.fromEntries(new URL(url ?? '', 'http://x').searchParams)).toEqual({
      'api-version': '2.0',
      x: 'a b',
      audience: 'sts.amazonaws.com',
    });
    expect(headers.authorization).toBe('Bearer bearer-1');
    expect(assumptions()).toHaveLength(1);
    expect(assumptions()[0]).toMatchObject({
      operation: 'AssumeRoleWithWebIdentity',
      accessKeyId: undefined,
      parameters: { RoleArn: ROLE_ARN, RoleSessionName: 'session-1', DurationSeconds: '900' },
    });
  });

  it('is assumed with a new token every time', async () => {
    const store = storeAt(server, BY_TOKEN);
    await Promise.all([keysIn(store), store.head('doc')]);
    const now = Date.now;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + 660_000);
    for (let round = 0; round < 2; round += 1) await Promise.all([keysIn(store), store.head('doc')]);
    clock.mockRestore();
    const used = assumptions().map(({ parameters }) => parameters.WebIdentityToken);
    expect(used).toHaveLength(2);
    expect(new Set(used).size).toBe(2);
    expect(tokens.requests).toHaveLength(2);
  });

  it.each<[what: string, settings: Partial<StoreSettings>, variables: Record<string, string>]>([
    ['given', { role: ROLE }, {}],
    [
      'in the environment, with role-chaining',
      { ...BY_TOKEN, role: { ...ROLE, chaining: true } },
      { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'testsecret1' },
    ],
  ])('is assumed with keys that are %s, even if the job can get a token', async (_, settings, variables) => {
    setVariables(variables);
    await keysIn(storeAt(server, settings));
    expect(assumptions().map(({ operation }) => operation)).toEqual(['AssumeRole']);
    expect(tokens.requests).toEqual([]);
  });

  it('is not assumed with a token for another audience', async () => {
    const role = { ...ROLE, audience: 'somebody else' };
    const fault = await faultOf(keysIn(storeAt(server, { ...BY_TOKEN, role })));
    expect(fault.kind).toBe('credentials');
    expect(fault.message).toContain(`The role ${ROLE_ARN} can't be assumed (InvalidIdentityTokenException: `);
  });

  it('that is not ours is not assumed', async () => {
    const role = { ...ROLE, arn: `${ROLE_ARN}-of-others` };
    const fault = await faultOf(keysIn(storeAt(server, { ...BY_TOKEN, role })));
    expect(fault.message).toContain("can't be assumed (AccessDenied: Not authorized to perform sts:AssumeRoleWith");
  });
});

describe('a token', () => {
  const refused: Answer = (response) => response.writeHead(403).end('{"message":"the job is over"}');
  const page: Answer = (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');

  it.each<[what: string, answer: Answer, expected: RegExp]>([
    ['refused', refused, /^GitHub issued no OIDC token \(Status403: the job is over\): re-run the job/],
    [
      'missing',
      (response) => response.end('{"value":1}'),
      /^GitHub issued no OIDC token \(the reply contains no token\): /,
    ],
  ])('that is %s is reported', async (_, answer, expected) => {
    tokens.answers.push(answer);
    expect((await faultOf(keysIn(storeAt(server, BY_TOKEN)))).message).toMatch(expected);
    expect(tokens.requests).toHaveLength(1);
  });

  it.each<[what: string, answer: Answer]>([
    ['a web page', page],
    ['JSON that is not an object', (response) => response.end('null')],
    ['JSON that is cut off', (response) => response.end('{"value":"')],
  ])('is requested again after %s', async (_, answer) => {
    tokens.answers.push(answer, answer);
    expect(await keysIn(storeAt(server, BY_TOKEN))).toEqual(['doc', 'source']);
    tokens.answers.push(answer, answer, answer);
    expect((await faultOf(keysIn(storeAt(server, BY_TOKEN)))).message).toMatch(
      /since its token service .* answered 200 with a reply that is not its own/,
    );
  });

  it('is requested again if the server is busy or breaks off', async () => {
    tokens.answers.push(
      (response) => response.writeHead(503).end(),
      (response) => response.socket?.destroy(),
      (response) => response.writeHead(429).end(),
    );
    expect(await keysIn(storeAt(server, { ...BY_TOKEN, maxAttempts: 5 }))).toEqual(['doc', 'source']);
    expect(tokens.requests).toHaveLength(4);
  });

  it("that can't be requested is reported", async () => {
    setVariables({ ACTIONS_ID_TOKEN_REQUEST_URL: 'http://127.0.0.1:1/' });
    const fault = await faultOf(keysIn(storeAt(server, BY_TOKEN)));
    expect(fault.kind).toBe('unreachable');
    expect(fault.message).toMatch(
      /^GitHub issued no OIDC token, since its token service 127.0.0.1:1 can't be reached \(.*ECONNREFUSED/,
    );
  });

  it('never appears in a message', async () => {
    server.fault = () => ({ kind: 'error', status: 400, code: 'ExpiredTokenException' });
    const fault = await faultOf(keysIn(storeAt(server, BY_TOKEN)));
    const token = assumptions()[0]?.parameters.WebIdentityToken ?? 'none';
    expect(token).toContain('.');
    expect(`${fault.message}${fault.stack}`).not.toContain(token);
    expect(`${fault.message}${fault.stack}`).not.toContain('bearer-1');
  });
});
