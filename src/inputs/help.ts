import { COMMAND_NAMES, COMMANDS, FLAGS, isSwitch, SWITCHES } from './flags.ts';
import { INPUTS, type InputName, ownVariable } from './table.ts';

const PROGRAM = 's3-asset-manager';
const WIDTH = 100;
const INDENT = ' '.repeat(6);

/** The help for the whole program, or for one command; the most common flags come first. */
export function helpText(command: keyof typeof COMMANDS | undefined): string {
  const flags = FLAGS.filter((name) => suitsCommand(INPUTS[name].help, command));
  const switches = Object.entries(SWITCHES).filter(([, { help }]) => suitsCommand(help, command));
  const miss = suitsCommand(SWITCHES['exit-code'].help, command) ? '; 3 a miss, with --exit-code' : '';
  const { common = [], more = [], secret = [] } = Object.groupBy(flags, kindOf);
  return [
    ...headOf(command),
    '',
    'Every flag has a variable, which counts where the flag is not given. Flags of lists can be repeated.',
    'A flag without a value stands for true, --no-<flag> for false.',
    ...section('Common flags', common.flatMap(inputHelp)),
    ...section('Output', switches.flatMap(switchHelp)),
    ...section('More flags', more.flatMap(inputHelp)),
    ...section('Secrets, only as variables', secret.flatMap(secretHelp)),
    '',
    `Exit codes: 0 done, found or not; 1 failed; 2 a flag or an input can't be used${miss}.`,
  ].join('\n');
}

function kindOf(name: InputName): 'common' | 'more' | 'secret' {
  const { common, secret } = INPUTS[name];
  return secret ? 'secret' : common ? 'common' : 'more';
}

function headOf(command: keyof typeof COMMANDS | undefined): string[] {
  if (command !== undefined)
    return [
      `Usage: ${PROGRAM} ${command}${command === 'explain' ? ' <commit> [<commit>]' : ''} [flags]`,
      '',
      `${PROGRAM} ${command} ${COMMANDS[command]}.`,
    ];
  const commands = Object.entries(COMMANDS).map(([name, what]) => `  ${name.padEnd(10)}${what}`);
  return [
    `Usage: ${PROGRAM} <command> [flags]`,
    '',
    'Builds each piece of code once: finds, stores and verifies build assets in S3.',
    '',
    ...commands,
    '',
    `${PROGRAM} <command> --help shows the help for one command.`,
  ];
}

function section(title: string, lines: readonly string[]): string[] {
  return ['', `${title}:`, ...lines];
}

function switchHelp([name, row]: [string, { readonly help: string; readonly value?: string }]): string[] {
  return [`  --${name}${row.value === undefined ? '' : ` <${row.value}>`}`, ...wrapped(row.help)];
}

function secretHelp(name: InputName): string[] {
  return [`  ${ownVariable(name)}`, ...wrapped(plain(INPUTS[name].help))];
}

/** A help text that ends with commands in parentheses applies only to those commands. */
function suitsCommand(help: string, command: string | undefined): boolean {
  const [, text = ''] = /\(([a-z, ]+)\)$/.exec(help) ?? [];
  const named = text.split(', ');
  const isAboutSome = named.every((word) => COMMAND_NAMES.some((name) => name === word));
  return command === undefined || !isAboutSome || named.includes(command);
}

function inputHelp(name: InputName): string[] {
  const { help, default: text, without, required, variables = [] } = INPUTS[name];
  const otherwise = required === undefined ? (text ?? without) : 'required';
  const notes = otherwise === undefined ? '' : ` [${plain(otherwise)}]`;
  return [
    `  --${name}${isSwitch(name) ? '' : ' <value>'}    ${[ownVariable(name), ...variables].join(', ')}`,
    ...wrapped(plain(help) + notes),
  ];
}

/** Removes Markdown's backticks. */
function plain(markdown: string): string {
  return markdown.replaceAll('`', '');
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = INDENT;
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > WIDTH) {
      lines.push(line.trimEnd());
      line = INDENT;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
