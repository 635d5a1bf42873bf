import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import { answerS3 } from './answer.ts';
import { type FaultAction, performUnderFault } from './faults.ts';
import { isSts, s3Operation, stsOperation } from './operation.ts';
import { errorReply, type Reply } from './reply.ts';
import { type RequestBody, receiveBody } from './request-body.ts';
import type { LogEntry } from './request-log.ts';
import { parseQuery, parseRequest, type S3Request } from './s3-request.ts';
import { sendReply, sentBytes } from './send-reply.ts';
import type { Service } from './service.ts';
import { answerSts } from './sts.ts';

/** Serves one request from its head to the end of its reply. Never rejects: a broken connection is only logged. */
export async function serve(
  service: Service,
  message: IncomingMessage,
  response: ServerResponse<IncomingMessage>,
): Promise<void> {
  const request = parseRequest(message);
  const entry = service.log.begin(request, isSts(request) ? 'Unknown' : s3Operation(request));
  try {
    const body = await receiveBody(message, request.headers);
    entry.bytesReceived = body.receivedBytes;
    const reply = await answer(service, request, body, entry);
    entry.status = reply.cut !== undefined && reply.cut.bodyBytes === undefined ? undefined : reply.status;
    entry.errorCode = reply.errorCode;
    entry.bytesSent = sentBytes(request.method, reply);
    await sendReply(response, reply, commonHeaders(service));
  } catch {
    response.destroy();
  } finally {
    entry.endedAt = performance.now();
  }
}

async function answer(service: Service, request: S3Request, body: RequestBody, entry: LogEntry): Promise<Reply> {
  if (isSts(request)) {
    entry.parameters = readForm(body);
    entry.operation = stsOperation(entry.parameters);
  }
  const action = await chooseFault(service, body, entry);
  const perform = (understood: S3Request) => performRequest(service, { signed: request, understood, body, entry });
  return performUnderFault(action, request, { perform, closing: service.closing });
}

/** If a hook throws, a test is wrong: the client gets an error that says so, not a broken connection. */
async function chooseFault(service: Service, body: RequestBody, entry: LogEntry): Promise<FaultAction | undefined> {
  try {
    return await service.fault?.(entry, body.content);
  } catch (error) {
    return { kind: 'error', status: 500, code: 'InternalError', message: `The fault hook threw: ${describe(error)}` };
  }
}

interface Received {
  readonly signed: S3Request;
  readonly understood: S3Request;
  readonly body: RequestBody;
  readonly entry: LogEntry;
}

function performRequest(service: Service, { signed, understood, body, entry }: Received): Reply {
  try {
    if (isSts(signed)) {
      const { parameters } = entry;
      return answerSts({ service, request: signed, body, operation: stsOperation(parameters), parameters });
    }
    return answerS3({ service, signed, request: understood, body, operation: s3Operation(understood) });
  } catch (error) {
    // A bug in this server: developers will look for it in the client's error message.
    return errorReply({ status: 500, code: 'InternalError', message: describe(error) });
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function readForm(body: RequestBody): Record<string, string> {
  try {
    return Object.fromEntries(parseQuery(body.content.text()));
  } catch (error) {
    if (error instanceof URIError) return {};
    throw error;
  }
}

function commonHeaders({ settings }: Service): Record<string, string> {
  return {
    date: new Date(settings.now()).toUTCString(),
    server: 'local-s3',
    'x-amz-request-id': randomBytes(8).toString('hex').toUpperCase(),
    'x-amz-id-2': 'local-s3',
  };
}
