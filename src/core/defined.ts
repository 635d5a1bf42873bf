/** The fields that have a value; one that may be undefined becomes one that may be absent. */
export type Defined<Fields> = {
  [Name in keyof Fields as undefined extends Fields[Name] ? never : Name]: Fields[Name];
} & { [Name in keyof Fields as undefined extends Fields[Name] ? Name : never]?: Exclude<Fields[Name], undefined> };

/** Leaves out the fields that are undefined: absent is how requests, records and outputs say "none". */
export function defined<const Fields extends object>(fields: Fields): Defined<Fields> {
  // What is left has just the type that says so; the compiler can't follow it through the entries.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields>;
}
