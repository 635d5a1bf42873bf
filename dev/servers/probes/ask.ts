import { randomUUID } from 'node:crypto';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { connect, type Site } from '../site.ts';
import { ACCESS } from './access.ts';
import { ATTRIBUTES } from './attributes.ts';
import { CONDITIONS } from './conditions.ts';
import { INTEGRITY } from './integrity.ts';
import { NAMES } from './names.ts';
import { nameOf, type Probe } from './probe.ts';

/** In the order of the page. */
export const PROBES: readonly Probe[] = [...CONDITIONS, ...INTEGRITY, ...NAMES, ...ATTRIBUTES, ...ACCESS];

/** A server's answers by the probe's behaviour: `yes`, or `no` and the behaviour seen. */
export type Answers = ReadonlyMap<string, string>;

/** Runs all probes, or those given, in a new bucket of a server. */
export async function askServer(site: Site, cancelled: AbortSignal, probes = PROBES): Promise<Answers> {
  const client = connect(site);
  try {
    const bucket = `probe-${randomUUID()}`;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    const { endpoint, credentials } = site;
    const answers = new Map<string, string>();
    for (const { behaviour, expected, observe } of probes) {
      cancelled.throwIfAborted();
      const seen = await observe({ endpoint, credentials, client, bucket }).catch(nameOf);
      answers.set(behaviour, seen === expected ? 'yes' : `no: ${seen}`);
    }
    return answers;
  } finally {
    client.destroy();
  }
}
