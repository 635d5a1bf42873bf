/** The part that is used: the package has no types. */
declare module 'ltx/src/parsers/ltx.js' {
  export default class Parser {
    on(event: 'startElement' | 'endElement', listener: (name: string) => void): this;
    on(event: 'text', listener: (text: string) => void): this;
    write(xml: string): void;
  }
}
