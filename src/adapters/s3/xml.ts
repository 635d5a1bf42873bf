import Parser from 'ltx/src/parsers/ltx.js';

/** An element, with the text and the elements that stand in it. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/** Where a server kept the connection open until it had the answer, white space comes first. */
const DECLARATION = /^\s*<\?xml\b[^<>]*\?>/u;
/** Such as comments and sections. S3 sends none, and the parser loses the text that follows one. */
const NO_TAG = /<(?!\/?[A-Za-z_][\w:.-]*[\s/>])/u;
/** Where the parser's searches end, which are repeated for each character where they find nothing. */
const END = `<"'`;

/**
 * Reads the documents that S3 sends.
 *
 * @param root the name that the document's element must have
 * @returns undefined where the document has another root
 * @throws Error where it is no XML, is not there to its end, or holds what no document of S3 does
 */
export function parseXml(body: Buffer, root: string): XmlElement | undefined {
  const xml = body.toString('utf8').replace(DECLARATION, '');
  if (NO_TAG.test(xml)) throw new Error('there is more than elements and text');
  const document = new OpenElement('');
  let current = document;
  const parser = new Parser();
  parser.on('startElement', (name: string) => {
    const element = new OpenElement(name, current);
    current.children.push(element);
    current = element;
  });
  parser.on('text', (text: string) => {
    current.text += text;
  });
  parser.on('endElement', (name: string) => {
    if (current.name !== name || current.parent === undefined) throw new Error('an element is closed that is not open');
    current = current.parent;
  });
  parser.write(xml + END);
  if (current !== document) throw new Error('an element is not closed');
  const [element, ...others] = document.children;
  if (element === undefined || others.length > 0 || document.text.trim() !== '')
    throw new Error('there is not just one element');
  return element.name === root ? element : undefined;
}

class OpenElement implements XmlElement {
  text = '';
  readonly children: XmlElement[] = [];
  readonly name: string;
  readonly parent: OpenElement | undefined;

  constructor(name: string, parent?: OpenElement) {
    this.name = name;
    this.parent = parent;
  }
}

/** @returns the text of the only element of this name; undefined where there is none, or several, or it holds others */
export function textOf({ children }: XmlElement, name: string): string | undefined {
  const element = children.find((child) => child.name === name);
  const isOnly = element === children.findLast((child) => child.name === name);
  return isOnly && element?.children.length === 0 ? element.text : undefined;
}
