import { actionsHost, reportFailure } from './host/actions.ts';
import { readInputs, run } from './run.ts';

/** The GitHub Action: inputs come from the runner, outputs go to it. Never rejects; a failure fails the step. */
export async function action(): Promise<void> {
  try {
    const host = actionsHost();
    await run(host, await readInputs(host));
  } catch (error) {
    reportFailure(error);
  }
}
