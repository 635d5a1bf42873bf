import type { ClientRequest } from 'node:http';
import { exchangeMs } from './limits.ts';

/** The name of the error of an exchange that took longer than its bytes ask for. */
export const TOO_SLOW = 'TooSlowError';

interface ExchangeLimit {
  readonly silenceMs: number;
  /** Of the request. */
  readonly bodyBytes: number;
  readonly end: (error: Error) => void;
}

/**
 * Ends an exchange that takes longer than its bytes ask for: a peer that sends or takes a byte now and then is never
 * silent. One that sends no more past that time is left to the socket's own timeout, since silence may pass.
 */
export function limitExchange(outgoing: ClientRequest, { silenceMs, bodyBytes, end }: ExchangeLimit): void {
  const startedSeconds = process.uptime();
  let bytesBefore = 0;
  outgoing.once('socket', ({ bytesRead }) => {
    bytesBefore = bytesRead;
  });
  let timer: NodeJS.Timeout;
  const check = (lastBytes?: number): void => {
    const receivedBytes = (outgoing.socket?.bytesRead ?? bytesBefore) - bytesBefore;
    const elapsedMs = (process.uptime() - startedSeconds) * 1000;
    const within = `within ${(elapsedMs / 1000).toFixed(1)} s`;
    const leftMs = exchangeMs(silenceMs, bodyBytes + receivedBytes) - elapsedMs;
    if (leftMs > 0) timer = setTimeout(check, leftMs);
    else if (!outgoing.writableFinished) end(tooSlow(`it did not take a request of ${bodyBytes} bytes ${within}`));
    else if (receivedBytes > (lastBytes ?? receivedBytes)) end(tooSlow(`it sent ${receivedBytes} bytes ${within}`));
    else timer = setTimeout(check, silenceMs / 10, receivedBytes);
  };
  timer = setTimeout(check, exchangeMs(silenceMs, bodyBytes));
  outgoing.once('close', () => clearTimeout(timer));
}

/** @returns the error of a peer that sends nothing */
export function silent(silenceMs: number): Error {
  return timedOut(`timed out after ${silenceMs} ms of inactivity`);
}

/** Not tried again: it took longer than a step can wait. */
function tooSlow(message: string): Error {
  return Object.assign(new Error(message), { name: TOO_SLOW });
}

/** Named as the SDK's retry strategy knows it. */
export function timedOut(message: string): Error {
  return Object.assign(new Error(message), { name: 'TimeoutError' });
}
