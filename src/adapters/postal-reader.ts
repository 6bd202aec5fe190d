import { z } from 'zod';

import type { Http, HttpEnd } from './http.ts';
import { type PostalAddress, postalRequest } from './postal-request.ts';

/** What asking Postal for a message gave. `gone` is final; after `unclear` it may be asked again. */
export type ReadAtPostal =
  | { readonly found: 'mail'; readonly raw: Buffer }
  | { readonly found: 'gone' }
  | { readonly found: 'unclear'; readonly why: string };

/** Reads messages that Postal keeps. */
export interface PostalReader {
  /** The octets of the message with this id, outgoing or incoming. */
  read(id: number): Promise<ReadAtPostal>;
}

/** A reader of one Postal mail server, through `messages/message`. */
export function postalReader(http: Pick<Http, 'exchange'>, address: PostalAddress): PostalReader {
  return {
    read: async (id) =>
      whatIsThere(
        await http.exchange(postalRequest(address, 'messages/message', { id, _expansions: ['raw_message'] })),
      ),
  };
}

const answer = z.discriminatedUnion('status', [
  z.object({ status: z.literal('success'), data: z.object({ raw_message: z.string().nullable() }) }),
  z.object({ status: z.literal('error'), data: z.object({ code: z.string() }) }),
  z.object({ status: z.literal('parameter-error'), data: z.object({ message: z.string() }) }),
]);

function whatIsThere(ended: HttpEnd): ReadAtPostal {
  if (ended.end !== 'answered') return { found: 'unclear', why: ended.why };
  if (ended.status !== 200) return { found: 'unclear', why: `Postal answered ${ended.status}` };
  const parsed = answer.safeParse(jsonOf(ended.body));
  if (!parsed.success) return { found: 'unclear', why: "Postal's answer is not what its API gives" };
  const { status, data } = parsed.data;
  if (status === 'error') return refused(data.code);
  if (status === 'parameter-error') return { found: 'gone' };
  const raw = Buffer.from(data.raw_message ?? '', 'base64');
  // Postal keeps the row longer than the octets; then only the line between header and body is left.
  return raw.toString('latin1').trim() === '' ? { found: 'gone' } : { found: 'mail', raw };
}

function refused(code: string): ReadAtPostal {
  if (code === 'MessageNotFound') return { found: 'gone' };
  return { found: 'unclear', why: `Postal answered with the error ${code.slice(0, 60)}` };
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
