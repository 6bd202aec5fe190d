import { z } from 'zod';

import { hasControls, type Mailbox, parseMailbox } from '../../../domain/mailbox.ts';
import { recipientStates } from '../../../domain/message.ts';
import { priorities } from '../../../domain/priority.ts';

/** Text that stands in one header line: nothing in it can begin another (RFC 5322 §2.2). */
function line(most: number) {
  return z
    .string()
    .max(most, { error: `is longer than ${most} characters` })
    .refine((text) => !hasControls(text), { error: 'holds a line break or another control character' });
}

const mailbox = line(512).transform((text, context): Mailbox => {
  const found = parseMailbox(text);
  if (found) return found;
  context.addIssue({
    code: 'custom',
    message: 'is no mail address: write ann@example.com or Ann <ann@example.com>',
  });
  return z.NEVER;
});

const mailboxes = z.union([mailbox.transform((one) => [one]), z.array(mailbox)]);

const attachment = z.strictObject({
  filename: line(255).min(1, { error: 'is empty' }),
  content: z.base64({ error: 'is not base64' }).transform((text) => Buffer.from(text, 'base64')),
  content_type: z
    .string()
    .regex(/^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/, {
      error: 'is no media type such as application/pdf',
    })
    .optional(),
  content_id: z
    .string()
    .regex(/^[\w.@+-]{1,200}$/, { error: 'may hold letters, digits and . _ @ + - only' })
    .optional(),
});

const ownedByUs =
  /^(?:from|sender|reply-to|to|cc|bcc|subject|date|message-id|mime-version|content-.*|received|return-path|dkim-signature|authentication-results|arc-.*|resent-.*|x-postal-.*|x-mailctl-priority)$/i;

const headers = z.record(
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,75}$/, { error: 'is no header name' })
    .refine((name) => !ownedByUs.test(name), {
      error: 'is set by the platform; use the field of the message',
    }),
  line(2000),
);

const metadata = z
  .record(
    z.string().regex(/^[\w.-]{1,64}$/, { error: 'is no name of letters, digits and . _ -' }),
    line(1024),
  )
  .refine((entries) => Object.keys(entries).length <= 50, { error: 'has more than 50 entries' });

/** What `POST /v1/messages` takes as JSON. */
export const newMessage = z
  .strictObject({
    from: mailbox,
    to: mailboxes.default([]),
    cc: mailboxes.default([]),
    bcc: mailboxes.default([]),
    reply_to: mailboxes.default([]),
    subject: line(998).default(''),
    text: z.string().optional(),
    html: z.string().optional(),
    attachments: z.array(attachment).max(100, { error: 'has more than 100 attachments' }).default([]),
    headers: headers.default({}),
    tag: line(255).min(1, { error: 'is empty' }).optional(),
    /** Who goes to Postal first while much waits. */
    priority: z.enum(priorities, { error: `must be ${priorities.join(', ')}` }).default('normal'),
    metadata: metadata.default({}),
    /** A one-click link (RFC 8058) that ends all mail to its recipient, or that with the tag. */
    unsubscribe: z.enum(['all', 'tag'], { error: 'must be all or tag' }).optional(),
    send_at: z.iso
      .datetime({ offset: true, error: 'is no time such as 2026-01-31T12:00:00Z' })
      .transform((text) => new Date(text))
      .optional(),
  })
  .refine(({ unsubscribe, tag }) => unsubscribe !== 'tag' || tag !== undefined, {
    error: 'is tag, and the message has none',
    path: ['unsubscribe'],
  })
  .refine(({ text, html }) => text !== undefined || html !== undefined, {
    error: 'is missing: a message needs text or html',
    path: ['text'],
  });

export type NewMessageBody = z.output<typeof newMessage>;

const state = z.enum(Object.keys(recipientStates) as [keyof typeof recipientStates]);
const instant = z.iso.datetime();

/** The answer to an accepted message: it is stored, and will go out. */
export const acceptedMessage = z.object({
  id: z.string(),
  state: z.enum(['queued', 'scheduled']),
  recipients: z.number().int(),
  created_at: instant,
});

export type AcceptedMessage = z.output<typeof acceptedMessage>;

const recipient = z.object({
  address: z.string(),
  state,
  detail: z.string().nullable(),
  opens: z.number().int(),
  clicks: z.number().int(),
  changed_at: instant,
});

/** A message without its content. */
export const message = z.object({
  id: z.string(),
  state,
  created_at: instant,
  source: z.string(),
  mail_from: z.string(),
  message_id: z.string().nullable(),
  subject: z.string().nullable(),
  tag: z.string().nullable(),
  priority: z.enum(priorities),
  metadata: z.record(z.string(), z.string()),
  size_bytes: z.number().int(),
  recipients: z.array(recipient),
});

const event = z.object({
  id: z.string(),
  type: z.string(),
  at: instant,
  recipient: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
});

/** A message with what happened to it, in the order it happened. */
export const messageWithEvents = message.extend({ events: z.array(event) });

/** One page, newest first; `next_cursor` is null on the last. */
export const messagePage = z.object({ messages: z.array(message), next_cursor: z.string().nullable() });

/** Filters of the list; a message is in a state when one of its recipients is. */
export const messageQuery = z.strictObject({
  state: state.optional(),
  recipient: z.string().max(254).optional(),
  tag: z.string().max(255).optional(),
  message_id: z.string().max(998).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
  cursor: z
    .string()
    .regex(/^msg_[0-9a-hjkmnp-tv-z]{26}$/, { error: 'is no cursor that this api gave' })
    .optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

export const messageParams = z.object({ id: z.string().max(64) });
