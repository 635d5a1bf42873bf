import { S3Error } from './s3-error.ts';

const S3_NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** An element of a parsed document. */
export interface XmlNode {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlNode[];
}

/** Escapes text for an element; control characters become references, so that a key with a newline survives. */
export function escapeXml(text: string): string {
  return text.replace(
    /[&<>"\p{Cc}\ufffe\uffff]/gu,
    (char) => ENTITIES[char] ?? `&#x${char.charCodeAt(0).toString(16)};`,
  );
}

/** An element that contains text; an empty string if that is undefined. */
export function leaf(name: string, value: string | number | boolean | undefined): string {
  return value === undefined ? '' : `<${name}>${escapeXml(String(value))}</${name}>`;
}

/** An element that contains elements. */
export function element(name: string, ...children: readonly string[]): string {
  // Concatenation defers copying; joining the thousand entries of a listing takes twice as long.
  let xml = `<${name}>`;
  for (const child of children) xml += child;
  return `${xml}</${name}>`;
}

/** A whole document in the namespace of S3. */
export function xmlDocument(name: string, ...children: readonly string[]): string {
  const whole = element(name, ...children);
  return `${DECLARATION}<${name} xmlns="${S3_NAMESPACE}">${whole.slice(name.length + 2)}`;
}

/** A whole document without a namespace, as for errors. */
export function plainXmlDocument(name: string, ...children: readonly string[]): string {
  return DECLARATION + element(name, ...children);
}

/**
 * Parses the small documents in requests. Attributes, comments and namespaces are ignored.
 *
 * @throws {S3Error} MalformedXML if tags don't match
 */
export function parseXml(text: string): XmlNode {
  const root = openNode('');
  const stack = [root];
  for (const [, closing, name, selfClosing, content] of text.matchAll(
    /<(\/?)([A-Za-z_][\w:.-]*)[^<>]*?(\/?)>|([^<]+)|<[!?][^>]*>/g,
  )) {
    const top = stack.at(-1);
    if (top === undefined) throw new S3Error('MalformedXML');
    if (content !== undefined) top.text += unescapeXml(content);
    else if (name !== undefined && closing === '/') closeNode(stack, name);
    else if (name !== undefined) {
      const node = openNode(name);
      top.children.push(node);
      if (selfClosing !== '/') stack.push(node);
    }
  }
  const document = root.children[0];
  if (stack.length !== 1 || document === undefined) throw new S3Error('MalformedXML');
  return document;
}

/** The children with that name. */
export function childrenOf(node: XmlNode, name: string): readonly XmlNode[] {
  return node.children.filter((child) => child.name === name);
}

/** The text of the first child with that name. */
export function childText(node: XmlNode, name: string): string | undefined {
  return childrenOf(node, name)[0]?.text;
}

interface OpenNode {
  name: string;
  text: string;
  children: OpenNode[];
}

function openNode(name: string): OpenNode {
  return { name, text: '', children: [] };
}

function closeNode(stack: OpenNode[], name: string): void {
  if (stack.pop()?.name !== name) throw new S3Error('MalformedXML');
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return NAMED[name] ?? whole;
  });
}
