// Under jest, errors of Node's own modules come from another realm, so they are no `instanceof Error` there, and the SDK
// takes them for something else. Outside jest there is one realm only.
Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, candidate: unknown): boolean {
    return this === Error ? Error.isError(candidate) : Function.prototype[Symbol.hasInstance].call(this, candidate);
  },
});
