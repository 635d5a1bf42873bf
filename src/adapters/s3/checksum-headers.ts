import type { Connection } from './connection.ts';
import { isUnknownHeader } from './refusal.ts';

const PREFIX = 'x-amz-checksum-';

export function hasChecksums(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).some((name) => name.startsWith(PREFIX));
}

export function withoutChecksums(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(PREFIX)));
}

/**
 * Sends a request with its checksum headers. A store that refuses them is sent it again without, and all others of the run
 * only without. Bytes are checked all the same, since the signature covers the SHA-256 of every body; but a HEAD tells no
 * SHA-256 then, so that nothing counts as sent by the store's word.
 *
 * @param send sends it with them, or without
 * @throws what `send` throws; the first refusal, where leaving them out does not help
 */
export async function sendChecked<Value>(
  connection: Connection,
  send: (isChecked: boolean) => Promise<Value>,
): Promise<Value> {
  if (connection.refusesChecksums) return send(false);
  try {
    return await send(true);
  } catch (error) {
    if (!isRefusal(connection, error)) throw error;
    return sendUnchecked(connection, { error, send });
  }
}

/** The reply to a HEAD has no body to say why. */
const UNEXPLAINED: ReadonlySet<string> = new Set(['Status400', 'Status501']);

function isRefusal({ settings }: Connection, error: unknown): error is Error {
  if (!Error.isError(error)) return false;
  return isUnknownHeader(settings, error.name) || (settings.endpointUrl !== undefined && UNEXPLAINED.has(error.name));
}

async function sendUnchecked<Value>(
  connection: Connection,
  { error, send }: { error: Error; send: (isChecked: boolean) => Promise<Value> },
): Promise<Value> {
  let value: Value;
  try {
    value = await send(false);
  } catch (reason) {
    // It was something else.
    throw isRefusal(connection, reason) ? error : reason;
  }
  if (!connection.refusesChecksums)
    connection.log.debug(`The store refuses checksum headers (${error.name}): requests go without them from now on`);
  connection.refusesChecksums = true;
  return value;
}
