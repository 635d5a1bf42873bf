import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const SSO_URL = 'https://corp.awsapps.com/start';
const SSO_ROLE = 'sso_account_id = 123456789012\nsso_role_name = assets\n';
const SSO_PLACE = `sso_region = us-east-1\nsso_start_url = ${SSO_URL}\n`;

/** The profile `ci` with the session `corp`. */
export const SSO_SESSION = `[profile ci]\nsso_session = corp\n${SSO_ROLE}[sso-session corp]\n${SSO_PLACE}`;
/** The profile `ci` in the older form without a session. */
export const LEGACY_SSO = `[profile ci]\n${SSO_PLACE}${SSO_ROLE}`;

/** Writes the token file of `aws sso login` into a home. @param id of the session, or the start URL */
export async function loggedIn(home: string, id: string, expiresAtMs: number): Promise<void> {
  const directory = join(home, '.aws', 'sso', 'cache');
  const token = { accessToken: 'sso-token', clientId: 'c', clientSecret: 's', refreshToken: 'r' };
  await mkdir(directory, { recursive: true });
  const file = `${createHash('sha1').update(id).digest('hex')}.json`;
  await writeFile(join(directory, file), JSON.stringify({ ...token, expiresAt: new Date(expiresAtMs).toISOString() }));
}
