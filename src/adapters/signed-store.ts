import { openRecord, signedRecord } from '../core/record-signature.ts';
import type { RecordKeys } from '../core/signing-keys.ts';
import type { ObjectStore } from '../ports.ts';

/**
 * A store whose documents, which are all records, are signed on their way out where there is a key for it. On their way
 * in they come without the signature, and with what speaks against trusting them.
 */
export function signedStore(store: ObjectStore, { signing, trusted }: RecordKeys): ObjectStore {
  return {
    ...store,
    requiresSignatures: true,
    writeDocument: (recordKey, body, condition) => {
      const written = signing === undefined ? body : signedRecord({ recordKey, body }, signing);
      return store.writeDocument(recordKey, written, condition);
    },
    readDocument: async (recordKey) => {
      const document = await store.readDocument(recordKey);
      return document && { ...document, ...openRecord({ recordKey, body: document.body }, trusted) };
    },
  };
}
