import { join } from 'node:path';
import { prepareActionCheck, preparePythonCheck } from '../checks.ts';
import type { Contender } from '../contest.ts';
import { writeFiles } from '../folder.ts';
import { timesFaster } from '../targets.ts';
import { ACTION, PYTHON_TOOL, type Work } from '../work.ts';

/** Neither the commit nor the code has a set, and all sources must be hashed to know that. */
export const CHECK_MISS: Work = {
  name: 'check-miss',
  title: ({ sources }) => `\`check\`, miss, ${sources.count.toLocaleString('en')} sources hashed`,
  links: ['loopback'],
  targets: () => [timesFaster({ of: ACTION, than: PYTHON_TOOL }, 8)],
  prepare: async (stage) => {
    const repository = await stage.repository();
    await writeFiles(join(repository.root, 'src'), stage.sizes.sources);
    const { id: commit } = await repository.commit('sources', {});
    const checkout = { repository: repository.root, commit };
    const expected = { found: 'false', reason: 'absent' };
    const bucket = await stage.bucket();
    const { boto3: python } = stage.peers;
    return (endpoint): Contender[] => {
      const place = stage.place(bucket, endpoint);
      const action = { name: ACTION, prepare: () => prepareActionCheck({ place, checkout, expected }) };
      if (python === undefined) return [action];
      const prepare = () => preparePythonCheck({ python, place, repository: repository.root });
      return [action, { name: PYTHON_TOOL, prepare }];
    };
  },
};
