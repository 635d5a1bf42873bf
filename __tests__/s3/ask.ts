import { registerHooks } from 'node:module';
import type { StoreSettings } from '../../src/s3/settings.ts';

// A program that calls a store like the action does: the argument names the calls. Prints the answers and the packages
// that were loaded.

export interface Question {
  readonly settings: StoreSettings;
  readonly ask: readonly ('list' | 'readDocument' | 'head' | 'abortUploads')[];
}

const loaded = new Set<string>();
registerHooks({
  load(url, context, nextLoad) {
    const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
    if (name !== undefined) loaded.add(name);
    return nextLoad(url, context);
  },
});

const { settings, ask }: Question = JSON.parse(process.argv[2] ?? '');
const { s3ObjectStore } = await import('../../src/s3/object-store.ts');
const store = s3ObjectStore(settings);

const answers: unknown[] = [];
for (const name of ask) {
  try {
    if (name === 'list') for await (const page of store.list('')) answers.push(page.map(({ key }) => key));
    if (name === 'readDocument') answers.push((await store.readDocument('doc'))?.etag ?? 'absent');
    if (name === 'abortUploads') answers.push(await store.abortUploads('doc'));
    if (name === 'head') answers.push((await store.head('doc'))?.etag ?? 'absent');
  } catch (error) {
    answers.push(String(error));
  }
}
process.on('exit', () => console.log(JSON.stringify({ answers, loaded: [...loaded] })));
