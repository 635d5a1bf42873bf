import type { Host } from './adapters/actions-host.ts';
import { defined } from './core/defined.ts';
import type { Inputs } from './inputs.ts';
import type { SetSearch } from './steps/set-search.ts';
import { VERSION } from './version.ts';

// What modes are asked, as inputs and runner have it.

/** What every mode is asked. */
export function commonRequest(inputs: Inputs, { job }: Host) {
  const { sha: context, ...run } = job;
  return {
    commit: { asked: inputs.commitSha, context, repositoryIsGiven: inputs.repository.isGiven },
    codeHash: inputs.codeHash,
    prefix: inputs.prefix,
    legacy: inputs.legacy,
    dryRun: inputs.dryRun,
    waitMs: inputs.waitMs,
    concurrency: inputs.concurrency,
    writer: defined({ ...run, version: VERSION }),
  };
}

/** What check and restore are asked. */
export function searchRequest(inputs: Inputs, host: Host): SetSearch {
  const { promote, fallbackPrefixes } = inputs.search;
  return { ...commonRequest(inputs, host), promote, fallbackPrefixes };
}
