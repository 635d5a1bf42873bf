import { UserError } from '../errors.ts';
import { isCodeHash } from './code-hash-request.ts';
import { isCommit } from './commit.ts';

/** What to do about an object that is no record. */
export const ADVICE = 'find out who wrote it, and delete it to start anew';

/** Typed access to the fields of a parsed JSON object; every mismatch is an error that names the place and the field. */
export class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #where: string;
  readonly #path: string;

  /** @param path of the object within the record; undefined for the record itself */
  constructor(value: unknown, where: string, path?: string) {
    this.#where = where;
    this.#path = path === undefined ? '' : `${path}.`;
    this.#fields = isObject(value) ? value : this.#refuse(path ?? 'it', 'an object');
  }

  text(name: string): string {
    return this.optionalText(name) ?? this.#fail(name, 'a text');
  }

  optionalText(name: string): string | undefined {
    return this.#textThat(() => true, name, 'a text');
  }

  commit(name: string): string {
    return this.optionalCommit(name) ?? this.#fail(name, 'a full commit id');
  }

  optionalCommit(name: string): string | undefined {
    return this.#textThat(isCommit, name, 'a full commit id');
  }

  optionalCodeHash(name: string): string | undefined {
    return this.#textThat(isCodeHash, name, 'a code hash');
  }

  optionalTexts(name: string): Record<string, string> | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    return isObject(value) && isTexts(value) ? value : this.#fail(name, 'an object of texts');
  }

  /** A whole number from 0 up. */
  count(name: string): number {
    const value = this.#get(name);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? value
      : this.#fail(name, 'a whole number');
  }

  flag(name: string): true | false {
    return this.#get(name) === true;
  }

  object(name: string): Fields {
    return new Fields(this.#get(name), this.#where, name);
  }

  list(name: string): readonly unknown[] {
    const value = this.#get(name);
    return Array.isArray(value) ? value : this.#fail(name, 'a list');
  }

  #textThat(isRight: (text: string) => boolean, name: string, wanted: string): string | undefined {
    const value = this.#get(name);
    return value === undefined || (typeof value === 'string' && isRight(value)) ? value : this.#fail(name, wanted);
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  #fail(name: string, wanted: string): never {
    return this.#refuse(`${this.#path}${name}`, wanted);
  }

  #refuse(what: string, wanted: string): never {
    throw unreadable(this.#where, `${what} is not ${wanted}`);
  }
}

/** @param why what is wrong with it */
export function unreadable(where: string, why: string): UserError {
  return new UserError(`${where} is not a record this version can read (${why}): ${ADVICE}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: Record<string, unknown>): value is Record<string, string> {
  return Object.values(value).every((item) => typeof item === 'string');
}
