// The runner takes `##[command]` for one of its commands wherever it stands in a line.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|#(?=#\[)/gu;

/** Nearly every name: to look for all those characters takes ten times as long, and longest at first. */
const PLAIN = /^[ -"$-~]*$/;

/** More than any key or address has; a field of a record may have millions. */
const MOST_CHARACTERS = 2000;

/**
 * Text from elsewhere, made safe for a log line: control and format characters (line ends, terminal escapes, text
 * direction marks), lone surrogates and the runner's `##[` are shown as `\u{hex}`, and what is too long is cut.
 */
export function printable(text: string): string {
  if (text.length > MOST_CHARACTERS) return `${printable(text.slice(0, MOST_CHARACTERS))}… (${text.length} characters)`;
  if (PLAIN.test(text)) return text;
  return text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
