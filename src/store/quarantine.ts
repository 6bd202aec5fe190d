import type { Database } from '../adapters/postgres.ts';

/** What came from Postal and could not be worked out: one of its webhooks, or mail that one of its routes brought. */
export interface Quarantined {
  readonly id: string;
  readonly kind: 'webhook' | 'mail';
  /** The event of a webhook, or whom a mail is addressed to. */
  readonly about: string;
  readonly reason: string;
  readonly receivedAt: Date;
}

/** What lies in quarantine, oldest first; `after` is the last of the page before. */
export function listQuarantine(
  db: Database,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): Promise<readonly Quarantined[]> {
  return db.query<Quarantined & Record<string, unknown>>(
    `with quarantine as (${quarantine})
     select id, kind, about, reason, "receivedAt" from quarantine
     where $2::uuid is null or ("receivedAt", id) > (select "receivedAt", id from quarantine where id = $2)
     order by "receivedAt", id limit $1`,
    [limit, after],
  );
}

/** One of them with its octets; undefined when nothing of this id lies in quarantine. */
export async function findQuarantined(
  db: Database,
  id: string,
): Promise<(Quarantined & { readonly content: Buffer }) | undefined> {
  const [row] = await db.query<Quarantined & { content: Buffer } & Record<string, unknown>>(
    `select * from (${quarantine}) as q where id = $1`,
    [id],
  );
  return row;
}

const quarantine = `
select uuid as id, 'webhook' as kind, event as about, reason, received_at as "receivedAt", body as content
from postal_webhooks where state = 'quarantined'
union all
select id, 'mail', rcpt_to, reason, received_at, raw from inbound_mail where state = 'quarantined'`;

/** Has them worked out again. Returns how many there were. */
export async function retryQuarantined(db: Database, ids: readonly string[]): Promise<number> {
  return db.transaction(async (within) => {
    const webhooks = await within.change(
      `update postal_webhooks set state = 'new', reason = null where state = 'quarantined' and uuid = any($1::uuid[])`,
      [ids],
    );
    const mails = await within.change(
      `update inbound_mail set state = 'new', reason = null, next_look_at = now() where state = 'quarantined' and id = any($1::uuid[])`,
      [ids],
    );
    return webhooks + mails;
  });
}

/** Takes them for done without working them out; they leave with what was. Returns how many there were. */
export async function dismissQuarantined(db: Database, ids: readonly string[]): Promise<number> {
  return db.transaction(async (within) => {
    const webhooks = await within.change(
      `update postal_webhooks set state = 'done' where state = 'quarantined' and uuid = any($1::uuid[])`,
      [ids],
    );
    const mails = await within.change(
      `update inbound_mail set state = 'done' where state = 'quarantined' and id = any($1::uuid[])`,
      [ids],
    );
    return webhooks + mails;
  });
}
