import addressparser from 'nodemailer/lib/addressparser';
import MailComposer from 'nodemailer/lib/mail-composer';

import type { Mailbox } from '../domain/mailbox.ts';

/** A message in parts, before it is written down. Blind recipients are no part of it: they are in the envelope alone. */
export interface Draft {
  readonly from: Mailbox;
  readonly replyTo: readonly Mailbox[];
  readonly to: readonly Mailbox[];
  readonly cc: readonly Mailbox[];
  readonly subject: string;
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly attachments: readonly Attachment[];
  readonly headers: Readonly<Record<string, string>>;
  /** With its angle brackets. */
  readonly messageId: string;
  readonly date: Date;
}

export interface Attachment {
  readonly filename: string;
  readonly content: Uint8Array;
  readonly contentType: string | undefined;
  /** Named by `cid:` in the html; without angle brackets. */
  readonly contentId: string | undefined;
}

/** Writes a draft as RFC 5322 and MIME octets with CRLF line ends. Opens no file and no URL that the draft may name. */
export function composeMessage(draft: Draft): Promise<Uint8Array> {
  const composer = new MailComposer({
    from: { ...draft.from },
    to: draft.to.map(copy),
    cc: draft.cc.map(copy),
    replyTo: draft.replyTo.map(copy),
    subject: draft.subject,
    text: draft.text,
    html: draft.html,
    headers: Object.entries(draft.headers).map(([key, value]) => ({ key, value })),
    messageId: draft.messageId,
    date: draft.date,
    attachments: draft.attachments.map(({ filename, content, contentType, contentId }) => ({
      filename,
      content: Buffer.from(content.buffer, content.byteOffset, content.byteLength),
      ...(contentType !== undefined && { contentType }),
      ...(contentId !== undefined && { cid: contentId }),
    })),
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'win',
  });
  return composer.compile().build();
}

/** The addresses in a header value such as To (RFC 5322 §3.4), groups opened. What is no address is given as it is written. */
export function readAddresses(value: string): readonly string[] {
  return addressparser(value, { flatten: true }).map(({ name, address }) =>
    address === '' ? name : address,
  );
}

function copy({ name, address }: Mailbox): { name: string; address: string } {
  return { name, address };
}
