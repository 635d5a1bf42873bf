import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { InputError } from '../../src/errors.ts';
import { proxyFor } from '../../src/s3/proxy-variables.ts';
import { useEnvironment } from './environment.ts';

interface Golden {
  /** Of Go and its package, with their versions. */
  readonly source: string;
  readonly cases: readonly {
    readonly variables: Readonly<Record<string, string>>;
    /** By URL of the server; null is a direct connection. */
    readonly proxies: Readonly<Record<string, string | null>>;
  }[];
}

const golden: Golden = JSON.parse(readFileSync(new URL('../support/proxy-golden.json', import.meta.url), 'utf8'));

const setVariables = useEnvironment();

function chosen(server: string): string | undefined {
  return proxyFor(server)?.url.href;
}

describe(`the proxy is the one that ${golden.source} chooses`, () => {
  it.each(golden.cases)('with $variables', ({ variables, proxies }) => {
    setVariables(variables);
    const ours = Object.keys(proxies).map((server) => [server, chosen(server) ?? null]);
    const theirs = Object.entries(proxies).map(([server, proxy]) => [server, proxy && new URL(proxy).href]);
    expect(Object.fromEntries(ours)).toEqual(Object.fromEntries(theirs));
  });
});

describe('ALL_PROXY, which curl and Python read but Go does not,', () => {
  it.each(['all_proxy', 'ALL_PROXY'])('is %s, for either scheme', (name) => {
    setVariables({ [name]: 'host:3128' });
    expect(chosen('https://s3.example')).toBe('http://host:3128/');
    expect(chosen('http://s3.example')).toBe('http://host:3128/');
  });

  it('yields to the variable for the scheme', () => {
    setVariables({ all_proxy: 'all:1', HTTPS_PROXY: 'https:2' });
    expect(chosen('https://s3.example')).toBe('http://https:2/');
    expect(chosen('http://s3.example')).toBe('http://all:1/');
  });

  it('is a list divided by spaces, and an address in brackets without a port', () => {
    setVariables({ HTTP_PROXY: 'host:3128', NO_PROXY: 'a.example  b.example\n[fd00::1]' });
    for (const host of ['a.example', 'b.example', '[fd00::1]:9000']) expect(chosen(`http://${host}`)).toBeUndefined();
    expect(chosen('http://c.example')).toBe('http://host:3128/');
  });
});

describe('an unusable proxy', () => {
  function refusalOf(variables: Record<string, string>): string {
    setVariables(variables);
    try {
      return `no refusal, but ${chosen('https://s3.example')}`;
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return String(error);
    }
  }

  it.each(['socks5', 'socks5h', 'socks4', 'socks', 'ftp'])('is refused because of its scheme: %s', (scheme) => {
    const refusal = refusalOf({ ALL_PROXY: `${scheme}://name:secret@host:1080` });
    expect(refusal).toContain(
      `ALL_PROXY names a ${scheme}:// proxy, which this action can't use: give an http:// or https:// proxy, or add s3.example to NO_PROXY`,
    );
    expect(refusal).not.toContain('secret');
  });

  it.each([
    'http://name:secret@:80:80',
    'name:secret@host:port',
    'http://name:secret#more@host:3128',
    'http://name:1/secret@host:3128',
    'name:1?secret@host',
    'http://name:secret%@host:3128',
    'http://name:secret%ff@host:3128',
    'socks5://',
  ])('is refused without showing it: %s', (value) => {
    const refusal = refusalOf({ HTTPS_PROXY: value });
    expect(refusal).toContain("HTTPS_PROXY is not a proxy URL: give one such as 'http://proxy.example.com:3128'");
    expect(refusal).not.toContain('secret');
  });

  it('does not matter for a server in NO_PROXY', () => {
    setVariables({ ALL_PROXY: 'socks5://host:1080', NO_PROXY: 's3.example' });
    expect(chosen('https://s3.example')).toBeUndefined();
  });
});
