import { InputError, MissError } from './errors.ts';
import { handleFailedOutput, Terminal, terminalHost } from './host/terminal.ts';
import { assertExplain, type CommandLine, parseCommandLine } from './inputs/flags.ts';
import { explain, readInputs, run } from './run.ts';
import { outputText } from './text.ts';
import { VERSION } from './version.ts';

const DONE = 0;
const FAILED = 1;
const BAD_USAGE = 2;
const MISSED = 3;

/** The command line program. Never rejects; sets the exit code of the process. */
export async function cli(): Promise<void> {
  handleFailedOutput();
  try {
    process.exitCode = await runCommand(parseCommandLine(process.argv.slice(2)));
  } catch (error) {
    new Terminal({ isVerbose: false }).fail(error);
    process.exitCode = BAD_USAGE;
  }
}

/** @throws UserError for a flag or an input that can't be used */
async function runCommand(line: CommandLine): Promise<number> {
  if (line.wantsVersion) return print(VERSION);
  if (line.wantsHelp) return print((await import('./inputs/help.ts')).helpText(line.command));
  if (line.command === undefined)
    throw new InputError('There is no command: give check, upload, restore or explain, or see --help');
  if (line.command === 'explain') assertExplain(line);
  const terminal = new Terminal(line);
  const host = terminalHost(line, terminal);
  const inputs = await readInputs(host);
  const missed = line.tellsMiss && inputs.mode !== 'upload' ? MISSED : undefined;
  try {
    if (line.command === 'explain') {
      const explanation = await explain(host, inputs, line.commits);
      return print(line.isJson ? outputText(explanation) : `${explanation.sentence}.`);
    }
    const { found } = await run(host, inputs);
    return found ? DONE : (missed ?? DONE);
  } catch (error) {
    terminal.fail(error);
    return error instanceof MissError ? (missed ?? FAILED) : FAILED;
  }
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return DONE;
}
