import { z } from 'zod';

import type { Http } from '../../adapters/http.ts';
import type { TextRecord } from '../../adapters/read-mail.ts';
import { OperatorError } from '../../domain/failure.ts';

/** A message as it arrived, and the tag that Postal knows it by. */
export interface FoundMail {
  readonly raw: Uint8Array;
  readonly tag: string | null;
}

/** The recipient's side: what really arrived. */
export interface Mailbox {
  /** The newest message with this Message-ID for this recipient. */
  find(messageId: string, recipient: string): Promise<FoundMail | undefined>;
  /** The DKIM keys that the signatures of a message name. */
  keys(raw: Uint8Array): Promise<readonly TextRecord[]>;
}

const listing = z.object({ messages: z.array(z.object({ id: z.number(), tag: z.string().nullable() })) });
const records = z.object({ records: z.array(z.object({ name: z.string(), value: z.string() })) });

/** Reads the mailbox that the stand-in serves at E2E_MAILBOX_URL. */
export function openMailbox(url: string, http: Http, withinMs: number): Mailbox {
  const read = async (path: string): Promise<Buffer> => {
    const end = await http.exchange({ method: 'GET', url: `${url}${path}`, withinMs });
    if (end.end === 'answered' && end.status === 200) return end.body;
    const seen = end.end === 'answered' ? `answered ${end.status}` : end.why;
    throw new OperatorError('unreachable', `the mailbox at ${url} cannot be read: ${seen}`, {
      hint: 'Check E2E_MAILBOX_URL',
      field: 'E2E_MAILBOX_URL',
    });
  };
  return {
    find: async (messageId, recipient) => {
      const query = new URLSearchParams({ to: recipient, message_id: messageId });
      const { messages } = listing.parse(JSON.parse(String(await read(`/mailbox.json?${query}`))));
      const newest = messages[0];
      return newest && { raw: await read(`/mailbox/${newest.id}.eml`), tag: newest.tag };
    },
    keys: async () => records.parse(JSON.parse(String(await read('/dkim.json')))).records,
  };
}
