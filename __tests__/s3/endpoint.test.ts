import { describe, expect, it } from '@jest/globals';
import { addressOf, isPathStyle, serverUrl } from '../../src/s3/endpoint.ts';
import type { StoreSettings } from '../../src/s3/settings.ts';

type Addressing = Pick<StoreSettings, 'bucket' | 'endpointUrl' | 'forcePathStyle' | 'fips' | 'dualstack'>;

const AWS: Addressing = { bucket: 'my-assets', endpointUrl: undefined, forcePathStyle: false };

function urlOf(settings: Partial<Addressing>, region: string, key: string): string {
  const { protocol, host, path } = addressOf({ ...AWS, ...settings }, region, key);
  return `${protocol}//${host}${path}`;
}

describe('the address of an object', () => {
  it.each<[settings: Partial<Addressing>, region: string, url: string]>([
    [{}, 'us-east-1', 'https://my-assets.s3.us-east-1.amazonaws.com/a/b.zip'],
    [{}, 'eu-west-1', 'https://my-assets.s3.eu-west-1.amazonaws.com/a/b.zip'],
    [{}, 'us-gov-west-1', 'https://my-assets.s3.us-gov-west-1.amazonaws.com/a/b.zip'],
    [{}, 'cn-north-1', 'https://my-assets.s3.cn-north-1.amazonaws.com.cn/a/b.zip'],
    [{ bucket: 'my.assets' }, 'eu-west-1', 'https://s3.eu-west-1.amazonaws.com/my.assets/a/b.zip'],
    [{ forcePathStyle: true }, 'eu-west-1', 'https://s3.eu-west-1.amazonaws.com/my-assets/a/b.zip'],
    [{ endpointUrl: 'https://s3.example.com' }, 'x', 'https://my-assets.s3.example.com/a/b.zip'],
    [{ endpointUrl: 'https://s3.example.com/' }, 'x', 'https://my-assets.s3.example.com/a/b.zip'],
    [{ endpointUrl: 'https://s3.example.com', forcePathStyle: true }, 'x', 'https://s3.example.com/my-assets/a/b.zip'],
    [{ endpointUrl: 'https://s3.example.com', bucket: 'my.assets' }, 'x', 'https://s3.example.com/my.assets/a/b.zip'],
    [{ endpointUrl: 'http://localhost:9000', forcePathStyle: true }, 'x', 'http://localhost:9000/my-assets/a/b.zip'],
    [{ endpointUrl: 'http://localhost:9000' }, 'x', 'http://my-assets.localhost:9000/a/b.zip'],
    [{ endpointUrl: 'http://127.0.0.1:9000' }, 'x', 'http://127.0.0.1:9000/my-assets/a/b.zip'],
    [{ endpointUrl: 'http://[::1]:9000' }, 'x', 'http://[::1]:9000/my-assets/a/b.zip'],
    [{ endpointUrl: 'https://example.com/s3/' }, 'x', 'https://my-assets.example.com/s3/a/b.zip'],
    [{ endpointUrl: 'https://example.com/s3', forcePathStyle: true }, 'x', 'https://example.com/s3/my-assets/a/b.zip'],
    [{ endpointUrl: 'https://example.com:443', forcePathStyle: true }, 'x', 'https://example.com/my-assets/a/b.zip'],
  ])('with %j in %s: %s', (settings, region, url) => {
    expect(urlOf(settings, region, 'a/b.zip')).toBe(url);
  });

  it('has a port only if it is not the default', () => {
    expect(addressOf({ ...AWS, endpointUrl: 'http://localhost:9000' }, 'x', '')).toMatchObject({
      hostname: 'my-assets.localhost',
      port: 9000,
      host: 'my-assets.localhost:9000',
    });
    expect(addressOf(AWS, 'x', '').port).toBeUndefined();
  });

  it('is that of the bucket if the key is empty', () => {
    expect(urlOf({}, 'eu-west-1', '')).toBe('https://my-assets.s3.eu-west-1.amazonaws.com/');
    expect(urlOf({ forcePathStyle: true }, 'eu-west-1', '')).toBe('https://s3.eu-west-1.amazonaws.com/my-assets/');
  });
});

describe('endpoints of AWS', () => {
  it.each<[fips: boolean, dualstack: boolean, url: string]>([
    [true, false, 'https://s3-fips.us-east-1.amazonaws.com'],
    [false, true, 'https://s3.dualstack.us-east-1.amazonaws.com'],
    [true, true, 'https://s3-fips.dualstack.us-east-1.amazonaws.com'],
    [false, false, 'https://s3.us-east-1.amazonaws.com'],
  ])('FIPS %j and dual stack %j: %s', (fips, dualstack, url) => {
    expect(serverUrl({ ...AWS, fips, dualstack }, 'us-east-1')).toBe(url);
    const other = { ...AWS, endpointUrl: 'https://s3.example.com', fips, dualstack };
    expect(serverUrl(other, 'us-east-1')).toBe('https://s3.example.com');
  });

  it.each([
    ['eu-west-1', 'https://s3.eu-west-1.amazonaws.com'],
    ['us-gov-west-1', 'https://s3.us-gov-west-1.amazonaws.com'],
    ['cn-northwest-1', 'https://s3.cn-northwest-1.amazonaws.com.cn'],
    ['us-iso-east-1', 'https://s3.us-iso-east-1.c2s.ic.gov'],
    ['us-isob-east-1', 'https://s3.us-isob-east-1.sc2s.sgov.gov'],
    ['eusc-de-east-1', 'https://s3.eusc-de-east-1.amazonaws.eu'],
    ['eu-nowhere-9', 'https://s3.eu-nowhere-9.amazonaws.com'],
  ])('of %s: %s', (region, url) => {
    expect(serverUrl(AWS, region)).toBe(url);
  });
});

describe('the path of a key', () => {
  it.each([
    ['a/b', '/a/b'],
    ['two words', '/two%20words'],
    ['a+b', '/a%2Bb'],
    ['100%', '/100%25'],
    ["!'()*", '/%21%27%28%29%2A'],
    ['-._~', '/-._~'],
    ['ä€😀', '/%C3%A4%E2%82%AC%F0%9F%98%80'],
    ['?a=b&c#d;e:f@g,h$i=', '/%3Fa%3Db%26c%23d%3Be%3Af%40g%2Ch%24i%3D'],
    ['\n\t', '/%0A%09'],
    ['a//b', '/a//b'],
    ['../a/./b/..', '/../a/./b/..'],
    ['a/', '/a/'],
    ['\\"<>[]{}|^`', '/%5C%22%3C%3E%5B%5D%7B%7D%7C%5E%60'],
  ])('%j is %s', (key, path) => {
    expect(addressOf(AWS, 'us-east-1', key).path).toBe(path);
  });

  it('leaves only unreserved bytes as they are', () => {
    for (let code = 1; code < 0x80; code += 1) {
      const character = String.fromCharCode(code);
      const expected = /[A-Za-z0-9\-._~/]/.test(character)
        ? character
        : `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
      expect(addressOf(AWS, 'us-east-1', character).path).toBe(`/${expected}`);
    }
  });
});

it("the style depends on the bucket's name and the endpoint", () => {
  expect(isPathStyle(AWS)).toBe(false);
  expect(isPathStyle({ ...AWS, bucket: 'my.assets' })).toBe(true);
  expect(isPathStyle({ ...AWS, endpointUrl: 'http://10.0.0.1:9000' })).toBe(true);
  const other = { ...AWS, endpointUrl: 'https://s3.example.com' };
  expect(isPathStyle(other)).toBe(false);
  expect(isPathStyle({ ...other, forcePathStyle: undefined })).toBe(true);
  expect(isPathStyle({ ...AWS, forcePathStyle: undefined })).toBe(false);
});
