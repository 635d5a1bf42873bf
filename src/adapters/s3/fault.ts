import { printable } from '../../core/printable.ts';
import { codeOf } from '../../errors.ts';

/** The parts of an SDK error that classify it. */
export interface Fault {
  readonly name: string;
  /** Node's, of a system error; else empty. */
  readonly code: string;
  /** Undefined: no reply came. */
  readonly status: number | undefined;
  readonly message: string;
  /** The region that the server says is the right one. */
  readonly region: string | undefined;
  /** The reply is not in the form of S3. */
  readonly isForeign: boolean;
}

/** Takes an error of the SDK, of the system or of the lean path apart. */
export function faultOf(error: unknown): Fault {
  if (!Error.isError(error)) return { ...NOTHING_KNOWN, message: printable(String(error)) };
  const metadata = '$metadata' in error && isFields(error.$metadata) ? error.$metadata : {};
  const response = '$response' in error && isFields(error.$response) ? error.$response : {};
  const headers = isFields(response.headers) ? response.headers : {};
  const region = headers['x-amz-bucket-region'] ?? ('Region' in error ? error.Region : undefined);
  const status = typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
  return {
    name: printable(error.name),
    code: codeOf(error),
    status,
    message: printable(error.message),
    region: typeof region === 'string' ? region : undefined,
    isForeign: isForeign(error, status),
  };
}

const NOTHING_KNOWN: Fault = {
  name: 'Error',
  code: '',
  status: undefined,
  message: '',
  region: undefined,
  isForeign: false,
};

/** The SDK throws the error of its XML reader, with the reply attached. */
function isForeign(error: Error, status: number | undefined): boolean {
  const hasText = '$responseBodyText' in error && error.$responseBodyText !== undefined;
  return hasText || error.name === 'SyntaxError' || (status !== undefined && status < 300);
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
