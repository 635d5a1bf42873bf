import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TlsFront } from '../../dev/local-s3/tls-front.ts';
import type { ActionResult } from '../../dev/run-action.ts';
import { ForwardProxy } from '../s3/forward-proxy.ts';
import { Scenario } from '../support/scenario.ts';

// The built action on a runner that reaches its store only through a proxy.

const STORE = { 'endpoint-url': 'https://s3.corp.example', concurrency: '8' };
const FILES = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`file-${index}`, `content ${index}`]));

let scenario: Scenario;
let front: TlsFront;
let proxy: ForwardProxy;
beforeEach(async () => {
  scenario = await Scenario.create();
  front = await TlsFront.start(scenario.bucket.server.port, ['DNS:s3.corp.example']);
  proxy = await ForwardProxy.start(front.port);
  await scenario.build(FILES);
});
afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  await front[Symbol.asyncDispose]();
  await scenario.close();
});

function act(mode: string, variables: Record<string, string>): Promise<ActionResult> {
  return scenario.action(mode, STORE, { env: { NODE_EXTRA_CA_CERTS: front.certificate, ...variables } });
}

describe('a proxy', () => {
  it('given as host and port has no more connections than there are requests at once', async () => {
    const variables = { HTTPS_PROXY: `name:pass@127.0.0.1:${proxy.port}`, NO_PROXY: 'other.example,10.0.0.0/8' };
    const upload = await act('upload', variables);
    expect(upload).toMatchObject({ exitCode: 0, stderr: '', outputs: { uploaded: 'true', 'file-count': '60' } });
    expect(scenario.wire().length).toBeGreaterThan(60);
    expect(proxy.lines.length).toBeLessThanOrEqual(10);
    const restore = await act('restore', variables);
    expect(restore).toMatchObject({ exitCode: 0, stderr: '', outputs: { restored: 'true' } });
    expect(new Set(proxy.lines)).toEqual(new Set(['CONNECT s3.corp.example:443']));
  });

  it('that refuses or closes two of three connections only delays an upload', async () => {
    proxy.refusal = (index) => (index % 3 === 0 ? 'close' : index % 3 === 1 ? { status: 503, body: '' } : undefined);
    const upload = await act('upload', { https_proxy: proxy.url });
    expect(upload).toMatchObject({ exitCode: 0, stderr: '', outputs: { uploaded: 'true' } });
  });

  it.each(['check', 'upload', 'restore'])(
    'that refuses the password fails %s, which does not show it',
    async (mode) => {
      proxy.refusal = () => ({ status: 407, body: '<html>Log in</html>' });
      const { exitCode, lines, stderr } = await act(mode, {
        HTTPS_PROXY: `http://name:hunter2@127.0.0.1:${proxy.port}`,
      });
      expect(lines.filter((line) => line.startsWith('::error'))).toEqual([
        `::error::s3.corp.example:443 can't be reached: the proxy ${proxy.url} answered 407: check the user name and the password in HTTPS_PROXY`,
      ]);
      expect(exitCode).toBe(1);
      expect(lines.join('\n') + stderr).not.toContain('hunter2');
    },
  );

  it('with SOCKS is refused, without showing its password', async () => {
    const { exitCode, lines } = await act('check', { all_proxy: 'socks5://name:hunter2@127.0.0.1:1080' });
    expect(exitCode).toBe(1);
    expect(lines.join('\n')).toContain("::error::all_proxy names a socks5:// proxy, which this action can't use");
    expect(lines.join('\n')).not.toContain('hunter2');
  });
});
