import { Content, EMPTY_CONTENT } from './content.ts';
import type { S3Error } from './s3-error.ts';
import { leaf, plainXmlDocument } from './xml.ts';

/** How much of a reply is sent: all of it if absent. */
export interface CutDelivery {
  /** Bytes of the body; undefined if not even the head is sent. */
  readonly bodyBytes: number | undefined;
  /** `close` ends the connection in good order, `reset` does not, `stall` leaves it open. */
  readonly ending: 'close' | 'reset' | 'stall';
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Content;
  /** Set on a refusal. */
  readonly errorCode?: string;
  readonly cut?: CutDelivery;
}

export function emptyReply(status: number, headers: Reply['headers'] = {}): Reply {
  return { status, headers, body: EMPTY_CONTENT };
}

export function xmlReply(xml: string, headers: Reply['headers'] = {}, status = 200): Reply {
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body: Content.from(xml) };
}

/** The connection breaks before the first byte of a reply. */
export const RESET_REPLY: Reply = { ...emptyReply(0), cut: { bodyBytes: undefined, ending: 'reset' } };

/** The contents of an error document. */
export interface ErrorText {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error reply in the form of S3. */
export function errorReply({ status, code, message, details = {}, headers = {} }: ErrorText | S3Error): Reply {
  const extra = Object.entries(details).map(([name, value]) => leaf(name, value));
  const xml = plainXmlDocument('Error', leaf('Code', code), leaf('Message', message), ...extra);
  return { ...xmlReply(xml, headers, status), errorCode: code };
}
