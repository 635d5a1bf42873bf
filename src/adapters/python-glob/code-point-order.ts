const ABOVE_BMP = /[\uD800-\uDFFF]/;

/**
 * Sorts as Python's `list.sort` does, by code points. JavaScript's own order, by UTF-16 units, differs where a
 * character above U+FFFF meets one from U+E000 to U+FFFF.
 */
export function sortByCodePoints(texts: readonly string[]): string[] {
  return texts.some((text) => ABOVE_BMP.test(text)) ? texts.toSorted(compareCodePoints) : texts.toSorted();
}

function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const difference = rank(a.charCodeAt(index)) - rank(b.charCodeAt(index));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Puts the first unit of a surrogate pair after all that is one unit, stray bytes (U+DC80 …) included. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdbff ? unit + 0x10000 : unit;
}
