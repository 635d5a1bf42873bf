const COMMAND = /^::([a-z-]+)(?: [^:]*)?::(.*)$/;
const SHOWN: Readonly<Record<string, string>> = { error: 'Error: ', warning: 'Warning: ', notice: 'Notice: ' };

/**
 * A step's output as a runner shows it: workflow commands become annotations, or are hidden.
 * https://docs.github.com/actions/reference/workflow-commands
 */
export function shownLines(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [, command, message = ''] = COMMAND.exec(line) ?? [];
    if (command === undefined) return [line];
    const prefix = SHOWN[command];
    return prefix === undefined ? [] : [prefix + withoutEscapes(message)];
  });
}

function withoutEscapes(message: string): string {
  return message.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}
