import { type HeaderField, headerValue, readHeaderSection } from './header-section.ts';
import { type MimePart, readMimeParts } from './mime-part.ts';

/** What a recipient's provider reports of a message that the recipient complained about (RFC 5965). */
export interface FeedbackReport {
  /** `abuse`, `fraud`, `not-spam` …, in lower case. */
  readonly kind: string;
  /** Whose program wrote it. */
  readonly userAgent: string;
  /** Original-Rcpt-To and Removal-Recipient, in lower case; many providers leave them out. */
  readonly recipients: readonly string[];
  /** Of the returned message, without the angle brackets. */
  readonly messageId: string | undefined;
  /** X-Postal-MsgID of the returned message: Postal's token of that one copy. */
  readonly postalToken: string | undefined;
}

/** Reads an ARF report; undefined when the mail is none. */
export function readFeedbackReport(raw: Uint8Array): FeedbackReport | undefined {
  const parts = readMimeParts(raw);
  const report = parts.find(({ type }) => type === 'message/feedback-report');
  if (!report) return undefined;
  const fields = fieldsOf(report);
  const returned = returnedFields(parts);
  return {
    kind: (headerValue(fields, 'feedback-type') ?? '').toLowerCase(),
    userAgent: headerValue(fields, 'user-agent') ?? '',
    recipients: recipientsOf(fields),
    messageId: headerValue(returned, 'message-id')?.replace(/^<(.*)>$/, '$1'),
    postalToken: headerValue(returned, 'x-postal-msgid'),
  };
}

function fieldsOf({ octets }: MimePart): readonly HeaderField[] {
  return readHeaderSection(Buffer.concat([octets, Buffer.from('\r\n\r\n')]));
}

/** The header of the message that came back: whole (`message/rfc822`) or alone (`text/rfc822-headers`). */
function returnedFields(parts: readonly MimePart[]): readonly HeaderField[] {
  const returned = parts.find(({ type }) =>
    /^(?:message\/(?:rfc822|global)|text\/rfc822-headers)$/.test(type),
  );
  return returned ? fieldsOf(returned) : [];
}

function recipientsOf(fields: readonly HeaderField[]): readonly string[] {
  const named = fields.filter(({ name }) => name === 'original-rcpt-to' || name === 'removal-recipient');
  return [...new Set(named.map(({ value }) => value.replaceAll(/[<>]/g, '').trim().toLowerCase()))];
}
