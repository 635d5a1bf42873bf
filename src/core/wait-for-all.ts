/**
 * Waits for every one, so that none goes on in the background.
 *
 * @throws what the first of them, in their order, failed with
 */
export async function waitForAll<const Work extends readonly unknown[]>(
  work: Work,
): Promise<{ -readonly [Index in keyof Work]: Awaited<Work[Index]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
