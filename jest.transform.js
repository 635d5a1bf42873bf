// TypeScript to JavaScript for jest: the same type stripping with which Node runs the sources in dev/.
// It blanks the types out in place, so line and column numbers stay those of the source.
import { stripTypeScriptTypes } from 'node:module';

export default {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
};
