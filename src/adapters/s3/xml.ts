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

/**
 * As {@link parseXml}, of a reply that is then asked for its fields.
 *
 * @returns an element without children where the document has another root, or is no XML
 */
export function readXml(body: Buffer, root: string): XmlElement {
  try {
    return parseXml(body, root) ?? {};
  } catch {
    return {};
  }
}

/** @returns the children of a name: an element that occurs once is not a list */
export function elementsOf(element: XmlElement, name: string): XmlElement[] {
  const value = element[name];
  return (Array.isArray(value) ? value : [value]).filter(isElement);
}

/** @returns the text of a child that occurs once; undefined where there is none, or it has elements */
export function textOf(element: XmlElement, name: string): string | undefined {
  const value = element[name];
  return typeof value === 'string' ? value : undefined;
}

export function isElement(value: unknown): value is XmlElement {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
