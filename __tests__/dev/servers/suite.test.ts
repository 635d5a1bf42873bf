import { expect, it } from '@jest/globals';
import { readReport } from '../../../dev/servers/suite.ts';

it('names the tests that failed, and the files that could not be run', () => {
  const report = {
    numPassedTests: 5,
    numPendingTests: 1,
    testResults: [
      {
        name: '/a.test.ts',
        status: 'failed',
        assertionResults: [
          { fullName: 'passes', status: 'passed' },
          { fullName: 'fails', status: 'failed' },
        ],
      },
      { name: '/b.test.ts', status: 'failed', assertionResults: [] },
      { name: '/c.test.ts', status: 'passed', assertionResults: [{ fullName: 'is not run', status: 'pending' }] },
    ],
  };
  const failures = ['fails', '/b.test.ts could not be run'];
  expect(readReport(report)).toEqual({ passedCount: 5, skippedCount: 1, failures });
});
