import { type Reply, xmlReply } from './reply.ts';
import type { S3Error } from './s3-error.ts';
import { element, leaf } from './xml.ts';

export const STS_NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

/** A refusal with STS's code and message, some of which differ from those of S3. */
export class StsError extends Error {
  override readonly name = 'StsError';
  readonly code: string;
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const STS_NAMES: Readonly<Record<string, readonly [status: number, code: string]>> = {
  AccessDenied: [403, 'MissingAuthenticationToken'],
  AuthorizationHeaderMalformed: [403, 'SignatureDoesNotMatch'],
  ExpiredToken: [403, 'ExpiredToken'],
  InvalidAccessKeyId: [403, 'InvalidClientTokenId'],
  InvalidToken: [403, 'InvalidClientTokenId'],
  RequestTimeTooSkewed: [403, 'SignatureDoesNotMatch'],
};

/** Translates an error of S3 into that of STS. */
export function toStsError(error: S3Error): StsError {
  const [status, code] = STS_NAMES[error.code] ?? [error.status, error.code];
  return new StsError(status, code, error.message);
}

export function stsErrorReply({ status, code, message }: Pick<StsError, 'status' | 'code' | 'message'>): Reply {
  const body = element('Error', leaf('Type', 'Sender'), leaf('Code', code), leaf('Message', message));
  const xml = `<ErrorResponse xmlns="${STS_NAMESPACE}">${body}${leaf('RequestId', 'local')}</ErrorResponse>`;
  return { ...xmlReply(xml, { 'content-type': 'text/xml' }, status), errorCode: code };
}
