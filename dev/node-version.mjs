// Runs before each script of package.json, on any Node: without it, an older one would end in a stack trace.

const NEEDED = 24;

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  console.error(
    `This is Node ${process.versions.node}, and the project's scripts need ${NEEDED}, which 'npm ci' installs unless install scripts are off: run 'npm ci --ignore-scripts=false'`,
  );
  process.exitCode = 1;
}
