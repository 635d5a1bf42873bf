import { StsError } from './sts-error.ts';

/**
 * The claims of a JSON Web Token.
 *
 * @throws {StsError} InvalidIdentityToken if it isn't one, ExpiredTokenException if it has expired
 */
export function readToken(token: string, nowMs: number): Readonly<Record<string, unknown>> {
  const segments = token.split('.');
  const header = parseSegment(segments[0]);
  const claims = parseSegment(segments[1]);
  if (segments.length !== 3 || header === undefined || claims === undefined) {
    const message = 'The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)';
    throw new StsError(400, 'InvalidIdentityToken', message);
  }
  if (typeof claims.exp === 'number' && claims.exp * 1000 <= nowMs) {
    throw new StsError(400, 'ExpiredTokenException', `Token expired: current date/time must be before ${claims.exp}`);
  }
  return claims;
}

function parseSegment(segment = ''): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}
