import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { element, leaf, xmlDocument } from '../../dev/local-s3/xml.ts';
import { readXml, type XmlElement } from '../../src/s3/reply.ts';

function parsed(xml: string): XmlElement {
  return readXml(Buffer.from(xml), 'Result');
}

describe('the text of an element', () => {
  const NAME = fc.stringMatching(/^[A-Z][A-Za-z0-9]{0,8}$/);
  // Text that XML can represent: no control characters and no lone surrogates.
  const TEXT = fc.string({ unit: fc.integer({ min: 0x20, max: 0xd7ff }).map((code) => String.fromCharCode(code)) });

  it('survives a round trip', () => {
    const fields = fc.dictionary(NAME, TEXT, { minKeys: 1 });
    fc.assert(
      fc.property(fc.array(fields, { minLength: 2 }), (entries) => {
        const xml = xmlDocument(
          'Result',
          ...entries.map((entry) => element('Entry', ...Object.entries(entry).map(([name, text]) => leaf(name, text)))),
        );
        expect(parsed(xml)).toEqual({
          xmlns: 'http://s3.amazonaws.com/doc/2006-03-01/',
          Entry: entries.map((entry) => ({ ...entry })),
        });
      }),
    );
  });

  it.each([
    ['&quot;a&quot;', '"a"'],
    ['a &amp;lt; b', 'a &lt; b'],
    ['<![CDATA[<Key>&amp;</Key>]]>', '<Key>&amp;</Key>'],
    ['a<!-- <Key>b</Key> -->c', 'ac'],
    ['', ''],
  ])('%j is the text %j', (xml, Key) => {
    expect(parsed(`<?xml version="1.0"?>\n<Result>\n  <Key>${xml}</Key>\n</Result>\n`)).toEqual({ Key });
  });

  it('can follow white space, which servers send to keep a connection open', () => {
    expect(parsed('\n \r\n<?xml version="1.0"?>\n<Result><Key>a</Key></Result>')).toEqual({ Key: 'a' });
  });
});

describe('readXml', () => {
  const WHOLE = xmlDocument('Result', element('Entry', leaf('Key', 'a"b'), leaf('Size', 1)), leaf('Count', 1));

  it('finds nothing in a document that breaks off anywhere', () => {
    for (let length = 0; length < WHOLE.length; length += 1)
      expect([length, parsed(WHOLE.slice(0, length))]).toEqual([length, {}]);
    expect(parsed(WHOLE)).not.toEqual({});
  });

  it.each(['<Result><Key>a</Result></Key>', '<Result><Key>a</Result>', '</Result>', '', 'Result', '{"Result":{}}'])(
    'finds nothing in %j',
    (xml) => {
      expect(parsed(xml)).toEqual({});
    },
  );

  it.each(['<html><Result/></html>', '<result/>', '<s3:Result/>'])('finds nothing in another document: %j', (xml) => {
    expect(parsed(xml)).toEqual({});
  });
});
