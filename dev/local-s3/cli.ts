import { parseArgs } from 'node:util';
import { answerHelp } from '../help.ts';
import { startLocalS3 } from './local-s3.ts';

answerHelp(`npm run local-s3 -- [--port 9000] [--bucket my-assets]… [--access-key test] [--secret-key testsecret1]
                    [--region us-east-1] [--latency-ms 0]

Serves S3 and STS at 127.0.0.1 until it is interrupted, and prints its address. All data is kept in memory.`);

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '9000' },
    bucket: { type: 'string', multiple: true, default: [] },
    'access-key': { type: 'string', default: 'test' },
    'secret-key': { type: 'string', default: 'testsecret1' },
    region: { type: 'string', default: 'us-east-1' },
    'latency-ms': { type: 'string', default: '0' },
  },
});

const server = await startLocalS3({
  port: Number(values.port),
  buckets: values.bucket,
  accessKeyId: values['access-key'],
  secretAccessKey: values['secret-key'],
  region: values.region,
});
const latencyMs = Number(values['latency-ms']);
if (latencyMs > 0) server.fault = () => ({ kind: 'delay', ms: latencyMs });
console.log(server.url);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
