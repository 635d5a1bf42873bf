import { describe, expect, it } from '@jest/globals';
import { PackedList } from '../../src/core/packed-list.ts';
import { parseLargeRecord } from '../../src/core/parse-large-record.ts';
import { type AssetFile, parseRecord } from '../../src/core/record.ts';
import { UserError } from '../../src/errors.ts';
import { assetFile, completeRecord, recordText, uploadingRecord } from './records.ts';

const WHERE = 's3://bucket/records/artifacts/c1.json';
const HEAD = recordText(uploadingRecord()).replace('"uploading"', '"complete"').slice(0, -1);
const FILE = JSON.stringify(assetFile('a'));

async function parse(text: string, pieceBytes?: number) {
  const record = await parseLargeRecord(Buffer.from(text), WHERE, pieceBytes);
  return record.state === 'complete' ? { ...record, files: [...record.files] } : record;
}

describe('a large record', () => {
  it('comes back with all its files, in order, whatever their names are', async () => {
    const paths = Array.from(
      { length: 2000 },
      (_, index) => `folder/ä"\\],{[${'x'.repeat(index % 90)}/${index + 10_000}`,
    );
    const record = completeRecord(paths.map((path) => assetFile(path, { metadata: { files: '"files":[' } })));
    const text = recordText(record);
    expect(Buffer.byteLength(text)).toBeGreaterThan(4 * 64 * 1024);
    expect(await parse(text)).toEqual(parseRecord(text, WHERE));
  });

  it.each([
    ['no files', `${HEAD},"files":[],"totalSize":0}`],
    ['spaces', `${HEAD}, "files" : [ ${FILE} , ${FILE} ] , "totalSize" : 0 }`],
    ['two lists of files, with a space after the name', `${HEAD},"files":[${FILE}],"totalSize":0,"files" :[]}`],
    ['two lists of files, of which the later counts', `${HEAD},"files":[${FILE}],"totalSize":0,"files":[]}`],
    [
      'another list of files, by an escape',
      `${HEAD},"files":[${FILE}],"totalSize":0,"\\u0066iles":[]}`.replace('\\\\', '\\'),
    ],
    ['its files first', `{"files":[${FILE},${FILE}],"totalSize":6,${HEAD.slice(1)}}`],
    ['a list in another field', `${HEAD},"other":{"files":[1,2]},"files":[${FILE}],"totalSize":0}`],
  ])('says the same list by list as in one go: %s', async (_, text) => {
    expect(await parse(text, 1)).toEqual(parseRecord(text, WHERE));
  });

  it.each([
    ['a comma too many', `${FILE},`],
    ['a comma first', `,${FILE}`],
    ['two commas', `${FILE},,${FILE}`],
    ['only spaces between commas', `${FILE},   ,${FILE}`],
    ['another bracket', `${FILE},{"path":"b"],${FILE}`],
    ['what is no file', `${FILE},1`],
  ])('is refused with %s', async (_, files) => {
    const refused = parse(`${HEAD},"files":[${files}],"totalSize":0}`, 1);
    await expect(refused).rejects.toThrow(UserError);
  });

  it('has its files in memory only where they are in another order than that of their paths', async () => {
    const [a, b] = [assetFile('a'), assetFile('b')];
    const filesOf = async (files: readonly AssetFile[]) => {
      const text = `${HEAD},"files":${JSON.stringify(files)},"totalSize":6}`;
      const record = await parseLargeRecord(Buffer.from(text), WHERE, 1);
      return record.state === 'complete' ? record.files : [];
    };
    expect(await filesOf([a, b])).toBeInstanceOf(PackedList);
    expect(await filesOf([a, a])).toBeInstanceOf(PackedList);
    expect(await filesOf([b, a])).toEqual([b, a]);
  });

  it('is refused where one of its files is longer than any can be', async () => {
    const long = JSON.stringify(assetFile('x'.repeat(1024 ** 2)));
    const refused = parse(`${HEAD},"files":[${FILE},${long}],"totalSize":6}`);
    await expect(refused).rejects.toThrow('files[0] or one after it is too long');
  });

  it('names the file that is none by its place in the whole list', async () => {
    const files = `${FILE},${FILE},{"path":1}`;
    await expect(parse(`${HEAD},"files":[${files}],"totalSize":0}`, 1)).rejects.toThrow('files[2].path is not a text');
  });
});
