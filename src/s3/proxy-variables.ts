import { BlockList, isIP } from 'node:net';
import { InputError } from '../errors.ts';
import { printable } from '../text.ts';

export interface ProxyServer {
  /** An http or https URL, perhaps with a name and a password. */
  readonly url: URL;
  /** The environment variable that names it. */
  readonly variable: string;
}

interface Server {
  readonly host: string;
  readonly port: string;
}

/**
 * The proxy for a server according to `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`. The variables mean the
 * same as to Go's clients (https://pkg.go.dev/golang.org/x/net/http/httpproxy), and `ALL_PROXY` the same as to curl and
 * Python.
 *
 * @param serverUrl an http or https URL
 * @returns undefined if the server is reached directly
 * @throws InputError for a proxy that can't be used; its message never shows the value, which may contain a password
 */
export function proxyFor(serverUrl: string): ProxyServer | undefined {
  const { protocol, hostname, port } = new URL(serverUrl);
  const variable = firstSet(protocol.replace(':', '_proxy')) ?? firstSet('all_proxy');
  const server = {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port || (protocol === 'https:' ? '443' : '80'),
  };
  if (variable === undefined || isExcepted(server)) return undefined;
  return { variable, url: proxyUrl(variable, server) };
}

/** @returns the name of the variable that is set; lower case takes precedence over upper case */
function firstSet(name: string): string | undefined {
  return [name, name.toUpperCase()].find((each) => process.env[each]?.trim());
}

function proxyUrl(variable: string, { host }: Server): URL {
  const value = process.env[variable]?.trim() ?? '';
  const text = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !isWellFormed(url))
    throw new InputError(
      `${variable} is not a proxy URL: give one such as 'http://proxy.example.com:3128', and write @, /, # and % in its password as %40, %2F, %23 and %25`,
    );
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new InputError(
      `${variable} names a ${url.protocol}// proxy, which this action can't use: give an http:// or https:// proxy, or add ${printable(host)} to NO_PROXY`,
    );
  return url;
}

/** An unencoded `#`, `/` or `?` in a password ends the host early: part of the password would be shown as a port. */
function isWellFormed({ hostname, username, password, pathname, search, hash }: URL): boolean {
  if (hostname === '' || `${pathname}${search}${hash}`.includes('@')) return false;
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** Whether a server is reached without a proxy; servers on this machine always are. */
function isExcepted(server: Server): boolean {
  if (server.host === 'localhost' || isWithin(server.host, '127.0.0.0', 8) || isWithin(server.host, '::1')) return true;
  const exceptions = process.env[firstSet('no_proxy') ?? ''] ?? '';
  const entries = exceptions.toLowerCase().split(/[\s,]+/);
  return entries.some((entry) => entry === '*' || covers(entry, server));
}

/** @param entry of `NO_PROXY`: a range (`10.0.0.0/8`), an address or a domain, the latter two perhaps with a port */
function covers(entry: string, { host, port }: Server): boolean {
  const [, base, bits] = /^(.+)\/(\d+)$/.exec(entry) ?? [];
  if (base !== undefined) return isWithin(host, base, Number(bits));
  const [, name = '', entryPort = ''] =
    isIP(entry) === 0 ? (/^\[?(.+?)\]?(?::(\d*))?$/.exec(entry) ?? []) : ['', entry];
  if (entryPort !== '' && entryPort !== port) return false;
  return isIP(name) === 0 ? isInDomain(host, name) : isWithin(host, name);
}

/** @param domain `a.b` covers itself and its subdomains, `.a.b` and `*.a.b` only the subdomains */
function isInDomain(host: string, domain: string): boolean {
  if (domain === '' || isIP(host) !== 0) return false;
  const suffix = domain.replace(/^\*(?=\.)/, '');
  return suffix.startsWith('.') ? host.endsWith(suffix) : `.${host}`.endsWith(`.${suffix}`);
}

/** @param bits the length of the prefix of `base`; by default all of its bits */
function isWithin(host: string, base: string, bits?: number): boolean {
  const [family, longest] = isIP(base) === 6 ? (['ipv6', 128] as const) : (['ipv4', 32] as const);
  if (isIP(host) === 0 || isIP(base) === 0 || (bits ?? longest) > longest) return false;
  const range = new BlockList();
  range.addSubnet(base, bits ?? longest, family);
  return range.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}
