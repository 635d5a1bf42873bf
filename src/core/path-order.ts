/**
 * Orders paths by code points, which is the order of their UTF-8 bytes: as S3 lists keys, records list files, and Python
 * sorts names, stray bytes (U+DC80 …) included. JavaScript's own order, by UTF-16 units, differs above U+FFFF.
 */
export function comparePaths(left: string, right: string): number {
  const commonLength = Math.min(left.length, right.length);
  for (let index = 0; index < commonLength; index += 1) {
    const [unit, other] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (unit !== other) return rank(unit) - rank(other);
  }
  return left.length - right.length;
}

/** Puts the first unit of a surrogate pair after all that is one unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdbff ? unit + 0x10000 : unit;
}
