import { availableParallelism } from 'node:os';

// Tests named *.local.test.ts count requests of the local S3 server or have it misbehave: no other server can run them.
const needsLocalServer = process.env.TEST_S3_ENDPOINT === undefined ? [] : ['\\.local\\.test\\.ts$'];

// The tests of the bundle and of the tools in dev/ only run if they are named, by `npm run test:dist`, `npm run test:dev`
// or a path.
const isNamed = process.argv.slice(2).some((argument) => !argument.startsWith('-'));
const onlyNamed = isNamed ? [] : ['/__tests__/(dist|dev)/'];

export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', ...onlyNamed, ...needsLocalServer],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/jest.transform.js' },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  // Three workers for two cores: one of them always waits for a process that it started, or for a time to pass.
  maxWorkers: Math.ceil(availableParallelism() * 1.5),
  cacheDirectory: 'node_modules/.cache/jest',
  testTimeout: 60_000,
  setupFiles: ['<rootDir>/jest.setup.js'],
  reporters: ['default', '<rootDir>/jest.reporter.js'],
};
