/** From here on a value would be rounded to 1000.0. */
const NEXT_UNIT = 999.95;
const SIZE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** `1 file`, `2 files`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A size for people, in decimal units with at most one digit after the point: `1.5 MB`. */
export function readableSize(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (value >= NEXT_UNIT && unit < SIZE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${SIZE_UNITS[unit]}`;
}
