import type { RecipientState } from '../domain/message.ts';

/** Which recipients of which messages are meant; each part that is given must hold. */
export interface QueueFilter {
  readonly messageIds?: readonly string[];
  /** Domain of the recipient. */
  readonly domain?: string;
  /** API key or SMTP credential that submitted it. */
  readonly credentialId?: string;
  /** The tag that a campaign's messages carry. */
  readonly tag?: string;
  readonly state?: RecipientState;
  readonly olderThanMs?: number;
}

/** A filter as SQL on `recipients r join messages m`, its values as `$1` to `$6`. */
export const filterSql = `
  ($1::text[] is null or m.id = any($1::text[]))
  and ($2::text is null or lower(substring(r.address from '@([^@]*)$')) = lower($2::text))
  and ($3::text is null or m.credential_id = $3)
  and ($4::text is null or m.tag = $4)
  and ($5::text is null or r.state = $5)
  and ($6::float is null or m.received_at < now() - $6::float * interval '1 ms')`;

/** The values of `filterSql`. */
export function filterValues(filter: QueueFilter): readonly unknown[] {
  const { messageIds, domain, credentialId, tag, state, olderThanMs } = filter;
  return [messageIds, domain, credentialId, tag, state, olderThanMs];
}
