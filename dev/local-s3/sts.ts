import { ACCOUNT_ID } from './account.ts';
import { authenticate, type Identity } from './authenticate.ts';
import type { TemporaryCredentials } from './credentials.ts';
import type { StsOperation } from './operation.ts';
import { type Reply, xmlReply } from './reply.ts';
import type { RequestBody } from './request-body.ts';
import type { Role } from './roles.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import type { Service } from './service.ts';
import { STS_NAMESPACE, StsError, stsErrorReply, toStsError } from './sts-error.ts';
import { readToken } from './web-identity-token.ts';
import { element, leaf } from './xml.ts';

const SHORTEST_SECONDS = 900;
const DEFAULT_SECONDS = 3600;

/** A request to STS with its parsed form. */
export interface StsRequest {
  readonly service: Service;
  readonly request: S3Request;
  readonly body: RequestBody;
  readonly operation: StsOperation | 'Unknown';
  readonly parameters: Readonly<Record<string, string>>;
}

/** The security token service, limited to assuming roles. */
export function answerSts(sts: StsRequest): Reply {
  try {
    switch (sts.operation) {
      case 'AssumeRole':
        return assumeRole(sts);
      case 'AssumeRoleWithWebIdentity':
        return assumeRoleWithWebIdentity(sts);
      case 'GetCallerIdentity':
        return getCallerIdentity(sts);
      default:
        throw new StsError(400, 'InvalidAction', `Could not find operation ${sts.parameters.Action}`);
    }
  } catch (error) {
    if (error instanceof StsError) return stsErrorReply(error);
    if (error instanceof S3Error) return stsErrorReply(toStsError(error));
    throw error;
  }
}

function assumeRole(sts: StsRequest): Reply {
  const caller = identify(sts);
  const { RoleArn: roleArn, ExternalId: externalId } = sts.parameters;
  const role = findRole(sts, roleArn);
  if (role === undefined || (role.externalId !== undefined && role.externalId !== externalId)) {
    const message = `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`;
    throw new StsError(403, 'AccessDenied', message);
  }
  return stsReply('AssumeRole', sessionElements(sts, role));
}

/** Unsigned: the token replaces the signature. Its expiry is checked, but its own signature is not. */
function assumeRoleWithWebIdentity(sts: StsRequest): Reply {
  const { RoleArn: roleArn = '', WebIdentityToken: token = '' } = sts.parameters;
  const { now, checkWebIdentity } = sts.service.settings;
  const claims = readToken(token, now());
  const answer = checkWebIdentity?.({ roleArn, token, claims }) ?? true;
  if (answer !== true) {
    const message = answer === false ? 'Incorrect token audience' : answer;
    throw new StsError(400, 'InvalidIdentityToken', message);
  }
  const role = findRole(sts, roleArn);
  if (role === undefined) {
    throw new StsError(403, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity');
  }
  const subject = leaf('SubjectFromWebIdentityToken', String(claims.sub ?? ''));
  const origin = leaf('Audience', String(claims.aud ?? '')) + leaf('Provider', String(claims.iss ?? ''));
  return stsReply('AssumeRoleWithWebIdentity', sessionElements(sts, role) + subject + origin);
}

function getCallerIdentity(sts: StsRequest): Reply {
  const { arn, accessKeyId } = identify(sts);
  return stsReply('GetCallerIdentity', leaf('Arn', arn) + leaf('UserId', accessKeyId) + leaf('Account', ACCOUNT_ID));
}

function identify({ service, request, body }: StsRequest): Identity {
  const { settings, credentials } = service;
  return authenticate(request, body, { service: 'sts', credentials, nowMs: settings.now(), regions: undefined });
}

function findRole({ service }: StsRequest, arn: string | undefined): Role | undefined {
  if (arn === undefined || !/^arn:aws[\w-]*:iam::\d{12}:role\/.+$/.test(arn)) {
    throw new StsError(400, 'ValidationError', `${arn} is invalid`);
  }
  const { roles } = service.settings;
  return roles === undefined ? { arn } : roles.find((role) => role.arn === arn);
}

function sessionElements({ service, parameters }: StsRequest, role: Role): string {
  const sessionName = parameters.RoleSessionName ?? '';
  if (!/^[\w+=,.@-]{2,64}$/.test(sessionName)) {
    throw new StsError(
      400,
      'ValidationError',
      `Value '${sessionName}' at 'roleSessionName' failed to satisfy constraint`,
    );
  }
  const arn = `arn:aws:sts::${ACCOUNT_ID}:assumed-role/${role.arn.split('/').at(-1)}/${sessionName}`;
  const expiresAt = service.settings.now() + durationSeconds(parameters, role) * 1000;
  const issued = service.credentials.issue({ arn, expiresAt });
  const user = element('AssumedRoleUser', leaf('AssumedRoleId', `AROALOCAL:${sessionName}`), leaf('Arn', arn));
  return credentialsElement(issued) + user;
}

function durationSeconds({ DurationSeconds: text }: StsRequest['parameters'], role: Role): number {
  const seconds = text === undefined ? DEFAULT_SECONDS : Number(text);
  const longest = role.maxDurationSeconds ?? 43_200;
  if (Number.isInteger(seconds) && seconds >= SHORTEST_SECONDS && seconds <= longest) return seconds;
  const message = `The requested DurationSeconds ${text} is not from ${SHORTEST_SECONDS} to ${longest}`;
  throw new StsError(400, 'ValidationError', message);
}

function credentialsElement(issued: TemporaryCredentials): string {
  return element(
    'Credentials',
    leaf('AccessKeyId', issued.accessKeyId),
    leaf('SecretAccessKey', issued.secretAccessKey),
    leaf('SessionToken', issued.sessionToken),
    leaf('Expiration', new Date(issued.expiresAt).toISOString()),
  );
}

function stsReply(operation: StsOperation, result: string): Reply {
  const metadata = element('ResponseMetadata', leaf('RequestId', 'local'));
  const body = element(`${operation}Result`, result) + metadata;
  const xml = `<${operation}Response xmlns="${STS_NAMESPACE}">${body}</${operation}Response>`;
  return xmlReply(xml, { 'content-type': 'text/xml' });
}
