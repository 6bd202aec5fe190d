import type { Database } from '../adapters/postgres.ts';
import type { Id } from '../domain/id.ts';
import { type Notice, noticeMail } from '../domain/notice.ts';
import { postalKeyFor } from '../domain/postal-key.ts';
import { insertSubmissions } from '../store/messages.ts';

interface Letter {
  readonly id: Id<'msg'>;
  readonly at: Date;
  readonly to: string;
  /** Domain that mail is sent from. */
  readonly domain: string;
}

/** Queues a mail to the administrator, which goes out as every message does, once `within` is committed. */
export async function notify(
  within: Database,
  notice: Notice,
  { id, at, to, domain }: Letter,
): Promise<void> {
  const mailFrom = `mailctl@${domain}`;
  const submission = {
    id,
    receivedAt: at,
    source: 'http',
    credentialId: 'mailctl',
    envelope: { mailFrom, rcptTo: [to] },
    client: { name: '', address: '' },
    raw: noticeMail(notice, { id, at, from: mailFrom, to }),
  } as const;
  await insertSubmissions(within, [
    {
      submission,
      postalKey: postalKeyFor(id),
      headerMessageId: `${id}@${domain}`,
      subject: notice.subject,
      tag: 'mailctl',
      metadata: {},
      sendAt: undefined,
    },
  ]);
}
