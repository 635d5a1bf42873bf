// `@actions/glob` writes debug commands for a runner to stdout, over a thousand lines in all tests. A worker runs this
// for each file of tests, and keeps its stdout.
const { stdout } = process;
const write = stdout.write.bind(stdout);
function writeWithoutDebug(text, ...more) {
  return String(text).startsWith('::debug::') || write(text, ...more);
}
if (stdout.write.name !== writeWithoutDebug.name) stdout.write = writeWithoutDebug;
