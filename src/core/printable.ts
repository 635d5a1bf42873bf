// The runner takes `##[command]` for one of its commands wherever it stands in a line.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|#(?=#\[)/gu;

/** Nearly every name: to look for all those characters takes ten times as long, and longest at first. */
const PLAIN = /^[ -"$-~]*$/;

/**
 * A name from a disk or a bucket, made safe for a log line: control and format characters (line ends, terminal
 * escapes, text direction marks), lone surrogates and the runner's `##[` are shown as `\u{hex}`.
 */
export function printable(name: string): string {
  if (PLAIN.test(name)) return name;
  return name.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
