import { describe, expect, it } from '@jest/globals';
import { childrenOf, childText, element, escapeXml, leaf, parseXml, xmlDocument } from '../../../dev/local-s3/xml.ts';

describe('writing', () => {
  it('escapes markup and control characters', () => {
    expect(escapeXml('a<b>&"c"\r\n\u0001é')).toBe('a&lt;b&gt;&amp;&quot;c&quot;&#xd;&#xa;&#x1;é');
  });

  it('leaves out what is undefined', () => {
    expect(element('A', leaf('B', 1), leaf('C', undefined), leaf('D', false))).toBe('<A><B>1</B><D>false</D></A>');
  });

  it('puts a document into the namespace of S3', () => {
    expect(xmlDocument('A', leaf('B', 'c'))).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<A xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><B>c</B></A>',
    );
  });
});

describe('parseXml', () => {
  it('reads elements, attributes aside', () => {
    const text = '<?xml version="1.0"?>\n<Delete xmlns="x"><!-- no --><Object><Key>a</Key></Object><Quiet/></Delete>';
    const document = parseXml(text);
    expect(document.name).toBe('Delete');
    expect(childrenOf(document, 'Object').map((node) => childText(node, 'Key'))).toEqual(['a']);
    expect(childText(document, 'Quiet')).toBe('');
    expect(childText(document, 'Missing')).toBeUndefined();
  });

  it('reverses escaping', () => {
    const key = 'D/a & <b>"\' +%\r\n\t😀';
    expect(childText(parseXml(element('A', leaf('Key', key))), 'Key')).toBe(key);
    expect(childText(parseXml('<A><K>&#10;&#x41;&apos;&unknown;</K></A>'), 'K')).toBe("\nA'&unknown;");
  });

  it.each(['', 'text', '<A>', '<A><B></A></B>', '</A>', '<A></A></A>'])('refuses %j', (text) => {
    expect(() => parseXml(text)).toThrow('The XML you provided was not well-formed');
  });
});
