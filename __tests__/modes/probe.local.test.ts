import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { packageDirectory } from '../../src/adapters/package-directory/package-directory.ts';
import { Scenario } from '../support/scenario.ts';

it('storm 2', async () => {
  const outcomes: Record<string, number> = {};
  const count = (k: string) => {
    outcomes[k] = (outcomes[k] ?? 0) + 1;
  };
  for (let round = 0; round < 40; round += 1) {
    let now = Date.now();
    const s = await Scenario.create({ now: () => now });
    const commits = [s.head, await s.commit(), await s.commit()];
    s.bucket.server.fault = () => {
      const dice = Math.random();
      if (dice < 0.03) return { kind: 'reset', when: 'after' };
      if (dice < 0.05) return { kind: 'reset' };
      if (dice < 0.055) {
        now += 130_000;
        return undefined;
      }
      if (dice < 0.065) {
        return { kind: 'delay', ms: 150 };
      }
      return { kind: 'delay', ms: Math.random() * 20, when: Math.random() < 0.5 ? 'before' : 'after' };
    };
    const verify = async (prefix: string, files: readonly { path: string; sha256?: string }[], who: string) => {
      for (const { path, sha256 } of files) {
        const body = s.bucket.server.get(s.bucket.name, `${prefix}${path}`)?.content.bytes();
        const real = body && createHash('sha256').update(body).digest('base64');
        if (real !== sha256) throw new Error(`FALSE FOUND by ${who}: ${path}`);
      }
    };
    const codeHash = { kind: 'given', value: 'a'.repeat(64) } as const;
    const jobs = [0, 1, 2, 3, 4, 5].map(async (n) => {
      const dir = join(s.root, `build${n}`);
      await mkdir(dir, { recursive: true });
      const commit = { asked: commits[n % 3], context: undefined, repositoryIsGiven: false };
      const cancel = new AbortController();
      const ports = { packages: packageDirectory(dir, s.ports().log), signal: cancel.signal };
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        const writer = { repository: 'o/r', runId: `${n}`, runAttempt: `${attempt}` };
        await new Promise((r) => setTimeout(r, Math.random() * 80));
        const c = await s.check({ codeHash, writer, commit }, ports).catch((e) => {
          count(`check error ${e.message.slice(0, 50)}`);
          return undefined;
        });
        if (c) count(`check ${c.source} ${c.reason}`);
        if (c?.found) return;
        await mkdir(dir, { recursive: true });
        for (let f = 0; f < 5; f += 1) await writeFile(join(dir, `${f}.txt`), `${n}-${f}-${attempt}`);
        if (attempt === 1 && n % 2 === 0) setTimeout(() => cancel.abort(new Error('cancelled')), Math.random() * 200);
        const o = await s.upload({ codeHash, waitMs: 20_000, writer, commit, overwrite: n === 5 }, ports).catch((e) => {
          count(`upload error ${e.message.replace(/[0-9a-f]{8,}/g, '').slice(0, 60)}`);
          return undefined;
        });
        if (o) {
          count(`upload ${o.reason} ${o.cached}`);
          return;
        }
      }
    });
    await Promise.all(jobs);
    s.bucket.server.fault = undefined;
    now += 300_000;
    for (const commit of commits) {
      const request = { asked: commit, context: undefined, repositoryIsGiven: false };
      let last = await s.check({ codeHash, commit: request });
      count(`end ${last.source} ${last.reason}`);
      if (!last.found) {
        await rm(s.packages, { recursive: true, force: true });
        await s.build(Object.fromEntries([0, 1, 2, 3, 4].map((f) => [`${f}.txt`, 'final'])));
        await s.upload({ codeHash, commit: request, writer: { repository: 'o/r', runId: 'final' } });
        now += 10_000;
        last = await s.check({ codeHash, commit: request });
      }
      if (!last.found) throw new Error(`does not converge: ${last.reason}`);
      await verify(`artifacts/${commit}/`, last.files, 'last');
    }
    const cached = await s.check({
      codeHash,
      promote: false,
      prefix: '',
      commit: { asked: 'd'.repeat(40), context: undefined, repositoryIsGiven: false },
    });
    count(`cache ${cached.source} ${cached.reason}`);
    if (cached.found) await verify(cached.location.prefix, cached.files, 'cache');
    await s.close();
  }
  process.stderr.write(`PROBE ${JSON.stringify(outcomes, null, 1)}\n`);
  expect(1).toBe(1);
}, 600_000);
