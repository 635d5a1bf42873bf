import { parseXML } from '@aws-sdk/xml-builder';

/** A parsed element: texts, elements, and lists of either where a name occurs more than once. */
export type XmlElement = Readonly<Record<string, unknown>>;

/**
 * @param root the name that the document's element must have
 * @returns its children by name; undefined where the document has another root
 * @throws Error where it is no XML
 */
export function parseXml(body: Buffer, root: string): XmlElement | undefined {
  const document: unknown = parseXML(body.toString('utf8'));
  const element = isElement(document) ? document[root] : undefined;
  return isElement(element) ? element : undefined;
}

/** @returns the text of a child that occurs once; undefined where there is none, or it has elements */
export function textOf(element: XmlElement, name: string): string | undefined {
  const value = element[name];
  return typeof value === 'string' ? value : undefined;
}

export function isElement(value: unknown): value is XmlElement {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
