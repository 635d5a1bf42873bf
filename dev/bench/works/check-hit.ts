import { join } from 'node:path';
import { BARE, type BareRequest, prepareBareScript } from '../bare-script.ts';
import { prepareActionCheck } from '../checks.ts';
import type { Attempt } from '../contest.ts';
import { writeFiles } from '../folder.ts';
import type { Place } from '../place.ts';
import type { Timed } from '../process-meter.ts';
import { timeRatio } from '../targets.ts';
import { transferPrograms } from '../transfer-programs.ts';
import { ACTION, type Work } from '../work.ts';

/** The most frequent case, in which the commit has a set, compared with a bare script that sends the same requests. */
export const CHECK_HIT: Work = {
  name: 'check-hit',
  title: () => '`check`, hit',
  links: ['loopback', '25ms'],
  targets: () => [timeRatio({ of: ACTION, than: BARE }, 1.7, ['loopback'])],
  prepare: async (stage) => {
    const repository = await stage.repository();
    const { id: commit } = await repository.commit('sources', {});
    const bucket = await stage.bucket();
    await writeFiles(join(repository.root, 'packages'), { count: 10, sizeBytes: 1000 });
    const checkout = { repository: repository.root, commit };
    await stage.storeSet({ place: stage.place(bucket), cwd: repository.root, commit, inputs: {} });
    const expected = { found: 'true', source: 'artifact', reason: 'complete' };
    return (endpoint) => {
      const place = stage.place(bucket, endpoint);
      const listings = transferPrograms(stage.peers).map((program) => ({
        name: `${program.name}, a listing`,
        prepare: async () => plain(place, program.list(place.bucket, `artifacts/${commit}/`), program.env(place)),
      }));
      return [
        { name: BARE, prepare: () => prepareBareScript(place, requestsOf(commit)) },
        { name: ACTION, prepare: () => prepareActionCheck({ place, checkout, expected }) },
        ...listings,
      ];
    };
  },
};

/** A command that leaves nothing behind. */
function plain({ home: cwd }: Place, command: readonly string[], env: Timed['env']): Attempt {
  const timed = { commands: [command], env, cwd, output: join(cwd, 'plain.log') };
  return { timed, verify: async () => {}, clear: async () => {} };
}

function requestsOf(commit: string): readonly BareRequest[] {
  return [
    { method: 'GET', key: `records/artifacts/${commit}.json`, isText: true },
    { method: 'GET', key: '', query: { 'list-type': '2', prefix: `artifacts/${commit}/` }, isText: true },
  ];
}
