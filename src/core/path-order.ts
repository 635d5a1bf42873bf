/** Orders paths by their UTF-8 bytes, as S3 lists keys and records list files; they are well-formed. */
export function comparePaths(left: string, right: string): number {
  const commonLength = Math.min(left.length, right.length);
  for (let index = 0; index < commonLength; index += 1) {
    const [unit, other] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (unit !== other) return rank(unit) - rank(other);
  }
  return left.length - right.length;
}

const FIRST_SURROGATE = 0xd800;
const AFTER_SURROGATES = 0xe000;
const UNITS = 0x10000;

/** UTF-16 units are in the order of bytes, but for surrogates: what they stand for comes after all other characters. */
function rank(unit: number): number {
  return unit >= FIRST_SURROGATE && unit < AFTER_SURROGATES ? unit + UNITS : unit;
}
