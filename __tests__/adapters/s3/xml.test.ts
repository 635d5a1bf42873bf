import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { element, leaf, xmlDocument } from '../../../dev/local-s3/xml.ts';
import { parseXml, textOf, type XmlElement } from '../../../src/adapters/s3/xml.ts';

function parsed(xml: string, root = 'Result'): XmlElement | undefined {
  return parseXml(Buffer.from(xml), root);
}

function textIn(xml: string, name = 'Key'): string | undefined {
  const root = parsed(xml);
  return root && textOf(root, name);
}

describe('what stands in a document', () => {
  const NAME = fc.stringMatching(/^[A-Z][A-Za-z0-9]{0,8}$/);
  // What XML can tell: no control characters, and no half of a pair.
  const TEXT = fc.string({ unit: fc.integer({ min: 0x20, max: 0xd7ff }).map((code) => String.fromCharCode(code)) });

  it('is read as it was written', () => {
    const leaves = fc.uniqueArray(fc.tuple(NAME, TEXT), { selector: ([name]) => name });
    fc.assert(
      fc.property(fc.array(leaves), (entries) => {
        const xml = xmlDocument(
          'Result',
          ...entries.map((fields) => element('Entry', ...fields.map(([name, text]) => leaf(name, text)))),
        );
        const root = parsed(xml);
        expect(root?.children.map(({ name }) => name)).toEqual(entries.map(() => 'Entry'));
        for (const [index, fields] of entries.entries())
          for (const [name, text] of fields) expect(textOf(root?.children[index] as XmlElement, name)).toBe(text);
      }),
    );
  });

  it.each([
    ['&quot;a&quot;', '"a"'],
    ['a &amp;lt; b', 'a &lt; b'],
    ['&#233;&#x1F4E6;', 'é📦'],
    ['', ''],
  ])('%j is the text %j', (xml, text) => {
    expect(textIn(`<?xml version="1.0"?>\n<Result a="b"><Key>${xml}</Key></Result>`)).toBe(text);
  });

  it('is empty where an element closes itself', () => {
    expect(textIn('<Result><Key/></Result>')).toBe('');
  });

  it('may be laid out in lines', () => {
    expect(textIn('<Result>\n  <Key>a</Key>\n  <Size>1</Size>\n</Result>\n')).toBe('a');
  });

  it('may come after white space, by which servers keep a connection open', () => {
    expect(textIn('\n \r\n<?xml version="1.0"?>\n<Result><Key>a</Key></Result>')).toBe('a');
    expect(textIn('\ufeff<?xml version="1.0"?><Result><Key>a</Key></Result>')).toBe('a');
    expect(textIn(' <Result><Key>a</Key></Result>')).toBe('a');
  });

  it('is no text where it occurs twice, or holds elements', () => {
    expect(textIn('<Result><Key>a</Key><Key>b</Key></Result>')).toBeUndefined();
    expect(textIn('<Result><Key>a<Key>b</Key></Key></Result>')).toBeUndefined();
    expect(textIn('<Result/>')).toBeUndefined();
  });

  it('has no names of its own', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'text', 'name', 'children']) {
      expect(textIn('<Result/>', name)).toBeUndefined();
      expect(textIn(`<Result><${name}>a</${name}></Result>`, name)).toBe('a');
    }
  });
});

describe('what is refused', () => {
  const WHOLE = xmlDocument('Result', element('Entry', leaf('Key', 'a"b'), leaf('Size', 1)), leaf('Count', 1));

  it('is a document that breaks off, wherever it does', () => {
    for (let length = 0; length < WHOLE.length; length += 1) {
      const root = tried(() => parsed(WHOLE.slice(0, length)));
      expect([length, root]).toEqual([length, undefined]);
    }
    expect(parsed(WHOLE)).toBeDefined();
  });

  it.each([
    '<Result><Key>a</Result></Key>',
    '<Result><Key>a</Result>',
    '<Result></Result></Result>',
    '</Result>',
    '<Result><Key>&nbsp;</Key></Result>',
    '<Result><Key>&#0;</Key></Result>',
    '<Result><Key>a<!-- b -->c</Key></Result>',
    '<Result><Key><![CDATA[a]]>b</Key></Result>',
    '<Result><Key>a<?b?>c</Key></Result>',
    '<?xml version="1.0"?><!DOCTYPE Result><Result/>',
    '<Result><Key>a<b!c>d</Key></Result>',
    '<Result/><Result/>',
    'x<Result/>',
    '<Result/>x',
    '',
    'Result',
    '{"Result":{}}',
  ])('is %j', (xml) => {
    expect(() => parsed(xml)).toThrow();
  });

  it.each(['<html><Result/></html>', '<result/>', '<s3:Result/>'])('is %j, since it is another document', (xml) => {
    expect(parsed(xml)).toBeUndefined();
  });

  it.each([
    ['text', 'a'],
    ['text after the document', '<Result/>a'],
    ['a name', '<a'],
    ['an attribute', '<Result a="'],
    ['references', '<Result>&amp'],
  ])('is no hour of work, where it is mebibytes of %s', (_, start) => {
    expect(tried(() => parsed(start + 'a'.repeat(4 * 1024 ** 2)))).toBeUndefined();
  });

  it('is no depth of elements', () => {
    const depth = 100_000;
    expect(parsed(`${'<Result>'.repeat(depth)}${'</Result>'.repeat(depth)}`)?.name).toBe('Result');
  });
});

function tried<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
