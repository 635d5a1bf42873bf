// Under jest, errors of Node's own modules come from another realm, so they are not `instanceof Error`, and the SDK
// does not recognise them. Outside jest there is only one realm.
Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, candidate: unknown): boolean {
    return this === Error ? Error.isError(candidate) : Function.prototype[Symbol.hasInstance].call(this, candidate);
  },
});
