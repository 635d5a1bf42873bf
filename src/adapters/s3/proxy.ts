import { InputError } from '../../errors.ts';

const PROXY_VARIABLES = ['http_proxy', 'https_proxy', 'all_proxy'] as const;

/**
 * The proxy that `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name for a server. Its code is loaded only where one of them
 * is set.
 *
 * @param url of the server
 * @returns the proxy's URL, or undefined where the server is reached directly
 */
export async function proxyFor(url: string): Promise<string | undefined> {
  const isSet = PROXY_VARIABLES.some((name) => process.env[name] || process.env[name.toUpperCase()]);
  if (!isSet) return undefined;
  const { getProxyForUrl } = await import('proxy-from-env');
  const proxy = getProxyForUrl(url);
  if (proxy === '' || URL.canParse(proxy)) return proxy === '' ? undefined : proxy;
  // The value is not shown: it may have a password in it.
  throw new InputError(
    `The proxy that the environment names for ${url} is no URL: give HTTPS_PROXY and HTTP_PROXY one such as 'http://proxy.example.com:3128'`,
  );
}
