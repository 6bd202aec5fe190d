import type { Draft } from '../../adapters/mime.ts';
import { domainOf } from '../../domain/address.ts';
import type { Id } from '../../domain/id.ts';
import type { Envelope } from '../../domain/submission.ts';
import type { NewMessageBody } from './contracts/message.ts';
import { ApiProblem } from './problem.ts';

/** The envelope of a structured message: every recipient once, blind ones nowhere else. */
export function envelopeOf({ from, to, cc, bcc }: NewMessageBody): Envelope {
  const rcptTo = [...new Set([...to, ...cc, ...bcc].map(({ address }) => address))];
  return { mailFrom: from.address, rcptTo };
}

/** Refuses an envelope without recipients or with more than `most`. */
export function checkRecipients({ rcptTo }: Envelope, most: number): void {
  if (rcptTo.length === 0)
    throw new ApiProblem('invalid-field', 'to is missing: a message needs a recipient', { field: 'to' });
  if (rcptTo.length > most)
    throw new ApiProblem(
      'too-many-recipients',
      `The message has ${rcptTo.length} recipients; ${most} are allowed`,
      {
        field: 'to',
      },
    );
}

/** Refuses a time farther ahead than `mostMs`. One that has passed is fine: it is sent at once, also when a request is repeated late. */
export function checkSchedule(sendAt: Date | undefined, now: Date, mostMs: number): Date | undefined {
  if (!sendAt || sendAt <= now) return undefined;
  if (sendAt.getTime() - now.getTime() > mostMs)
    throw new ApiProblem('invalid-field', 'send_at lies too far ahead', { field: 'send_at' });
  return sendAt;
}

/** The draft of a structured message; its tag travels in the header that Postal reads. */
export function draftOf(
  body: NewMessageBody,
  { id, now }: { readonly id: Id<'msg'>; readonly now: Date },
): Draft {
  return {
    from: body.from,
    to: body.to,
    cc: body.cc,
    replyTo: body.reply_to,
    subject: body.subject,
    text: body.text,
    html: body.html,
    headers: {
      ...body.headers,
      ...(body.tag !== undefined && { 'X-Postal-Tag': body.tag }),
      ...(body.unsubscribe !== undefined && { 'X-Mailctl-Unsubscribe': body.unsubscribe }),
    },
    attachments: body.attachments.map(({ filename, content, content_type, content_id }) => ({
      filename,
      content,
      contentType: content_type,
      contentId: content_id,
    })),
    messageId: `<${id}@${domainOf(body.from.address)}>`,
    date: now,
  };
}
