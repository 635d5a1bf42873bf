import type { Reply } from './reply.ts';
import { parseXml, textOf } from './xml.ts';

/** What the server answered instead of doing it; shaped as the SDK's own errors are, so that both are told alike. */
export class ReplyError extends Error {
  readonly $metadata: { readonly httpStatusCode: number; clockSkewCorrected?: boolean };
  readonly $response: Pick<Reply, 'headers'>;
  /** Only of a reply that is no error document of S3. */
  readonly $responseBodyText: string | undefined;
  readonly Region: string | undefined;

  constructor({ status, headers, body }: Reply) {
    const fields = errorFields(body);
    super(fields.Message ?? `status ${status} without an explanation`);
    this.name = fields.Code ?? `Status${status}`;
    this.$metadata = { httpStatusCode: status };
    this.$response = { headers };
    this.$responseBodyText = fields.Code === undefined && body.length > 0 ? body.toString() : undefined;
    this.Region = fields.Region;
  }
}

type ErrorFields = Partial<Record<'Code' | 'Message' | 'Region', string | undefined>>;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
function errorFields(body: Buffer): ErrorFields {
  try {
    const fields = parseXml(body, 'Error') ?? {};
    return { Code: textOf(fields, 'Code'), Message: textOf(fields, 'Message'), Region: textOf(fields, 'Region') };
  } catch {
    // A page of something in between: its status says all there is to say.
    return {};
  }
}
