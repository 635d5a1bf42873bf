/**
 * Orders strings by their UTF-8 bytes, as S3 lists keys.
 *
 * That is the order of code points, which differs from JavaScript's only where a surrogate pair (above U+FFFF)
 * meets a code unit from U+E000 to U+FFFF.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** The first index at or after `from` whose item doesn't satisfy the predicate; items that do must come first. */
export function partitionPoint<T>(items: readonly T[], satisfies: (item: T) => boolean, from = 0): number {
  let low = from;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && satisfies(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}
