// The runner takes `##[command]` for one of its commands wherever it stands in a line.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|#(?=#\[)/gu;

/**
 * A name from a disk or a bucket, made safe for a log line: control and format characters (line ends, terminal
 * escapes, text direction marks), lone surrogates and the runner's `##[` are shown as `\u{hex}`.
 */
export function printable(name: string): string {
  return name.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
