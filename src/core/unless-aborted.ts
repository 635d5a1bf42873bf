/** Waits for work, but not once the signal is aborted. @throws the signal's reason then */
export async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return work;
  const abortion = Promise.withResolvers<never>();
  const abort = (): void => abortion.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, abortion.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
