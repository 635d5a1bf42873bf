import { InputError } from './errors.ts';
import { choice, localPath, matching, wholeNumber } from './input-values.ts';

/** How an input is found. */
export interface InputSpec {
  /** Environment variables that stand in for it, the first that is set. */
  readonly variables: readonly string[];
}

/** Where texts come from; an empty one counts as not set. */
export interface InputSource<Name extends string> {
  readonly input: (name: Name) => string;
  readonly variable: (name: string) => string | undefined;
}

/** The texts of inputs, resolved: input, then variable; empty is not set. */
export class Texts<Name extends string> {
  readonly #source: InputSource<Name>;
  readonly #specs: Readonly<Record<Name, InputSpec>>;

  constructor(source: InputSource<Name>, specs: Readonly<Record<Name, InputSpec>>) {
    this.#source = source;
    this.#specs = specs;
  }

  get(name: Name, { variablesCount = true } = {}): string | undefined {
    const given = this.#source.input(name).trim();
    if (given !== '' || !variablesCount) return given || undefined;
    return this.#specs[name].variables.map((variable) => this.variable(variable)).find(Boolean);
  }

  /** A variable that stands in for no input, too. */
  variable(name: string): string | undefined {
    return this.#source.variable(name)?.trim() || undefined;
  }

  required(name: Name): string {
    const [variable] = this.#specs[name].variables;
    const text = this.get(name);
    if (text !== undefined) return text;
    throw new InputError(`${name} is not set: give it${variable === undefined ? '' : `, or the variable ${variable}`}`);
  }

  parsed<Value>(
    name: Name,
    parse: (name: string, text: string) => Value,
    options?: { readonly variablesCount: boolean },
  ): Value | undefined {
    const text = this.get(name, options);
    return text === undefined ? undefined : parse(name, text);
  }

  path(name: Name): string | undefined {
    const home = () => this.#source.variable('HOME') || this.#source.variable('USERPROFILE') || undefined;
    return this.parsed(name, (_, text) => localPath(name, text, home));
  }

  oneOf<const Choice extends string>(name: Name, choices: readonly Choice[]): Choice | undefined {
    return this.parsed(name, (_, text) => choice(name, text, choices));
  }

  number(name: Name, range: { min: number; max: number }): number | undefined {
    return this.parsed(name, (_, text) => wholeNumber(name, text, range));
  }

  form(name: Name, form: RegExp, advice: string): string | undefined {
    return this.parsed(name, (_, text) => matching(name, text, { form, advice }));
  }
}
