import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { type Bench, endOf, nameOf, type Probe } from './probe.ts';

const SPECIAL = 'a b+c%20d&e=f#g?h;i,j\'k(l)é日😀"<>';

/** Keys, and their form in listings. */
export const NAMES: readonly Probe[] = [
  {
    behaviour: 'A key with spaces, punctuation and letters of any script is stored and listed unchanged',
    consequence: 'files with such names cannot be assets',
    expected: 'unchanged',
    observe: (bench) => storeAndList(bench, 'special', [SPECIAL]),
  },
  {
    behaviour: 'Keys are encoded in a listing if requested (`encoding-type=url`)',
    consequence: 'none: the action decodes only if the reply says that they are encoded',
    expected: 'url',
    observe: async ({ client, bucket }) => {
      const listing = new ListObjectsV2Command({ Bucket: bucket, Prefix: 'names/', EncodingType: 'url' });
      const { EncodingType } = await client.send(listing);
      return EncodingType === 'url' ? 'url' : 'not encoded';
    },
  },
  {
    behaviour: 'One key may be the folder of another: `p` and `p/c`',
    consequence: 'none: a package directory cannot hold a file and a folder of the same name',
    expected: 'unchanged',
    observe: (bench) => storeAndList(bench, 'nested', ['p', 'p/c']),
  },
  {
    behaviour: 'A segment of a key may have 300 bytes',
    consequence: 'none: file systems do not allow such names either',
    expected: 'unchanged',
    observe: (bench) => storeAndList(bench, 'long', ['x'.repeat(300)]),
  },
  {
    behaviour: 'A key may have 1,024 bytes',
    consequence: 'files in deeply nested folders cannot be assets',
    expected: 'unchanged',
    observe: (bench) => storeAndList(bench, 'deep', [`${'folder/'.repeat(140)}${'x'.repeat(33)}`]),
  },
  {
    behaviour: 'Listings are ordered by the bytes of the keys',
    consequence: 'none: the action sorts',
    expected: 'unchanged',
    observe: (bench) => storeAndList(bench, 'order', ['Z', 'a', 'd-', 'd/b', 'd0', 'é', '～', '😀']),
  },
];

/** @param names in the order that a listing must have */
async function storeAndList({ client, bucket }: Bench, folder: string, names: readonly string[]): Promise<string> {
  const prefix = `names/${folder}/`;
  for (const name of names) {
    const object = { Bucket: bucket, Key: prefix + name };
    const end = await endOf(client.send(new PutObjectCommand({ ...object, Body: 'x' })));
    if (end !== 'accepted') return end;
    if (!(await isReadable(client.send(new GetObjectCommand(object))))) return 'not readable';
  }
  try {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
    const listed = Contents.map(({ Key = '' }) => Key.slice(prefix.length));
    return describeListing(listed, names);
  } catch (error) {
    return nameOf(error);
  }
}

async function isReadable(request: Promise<{ Body?: { transformToString(): Promise<string> } }>): Promise<boolean> {
  return request.then(
    async ({ Body }) => (await Body?.transformToString()) === 'x',
    () => false,
  );
}

function describeListing(listed: readonly string[], names: readonly string[]): string {
  if (names.every((name, index) => listed[index] === name) && listed.length === names.length) return 'unchanged';
  const isComplete = listed.length === names.length && names.every((name) => listed.includes(name));
  return isComplete ? 'in another order' : 'listed differently';
}
