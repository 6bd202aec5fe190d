import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { MailServer } from './mail-server.ts';

/** An attempt of Postal's to send a webhook, as its history keeps it for ten days. */
export interface HistoryRow {
  readonly id: number;
  readonly uuid: string;
  readonly event: string;
  /** What the webhook's envelope held, as JSON. */
  readonly payload: string;
  /** Seconds since 1970, of the attempt. */
  readonly timestamp: number;
}

/** First attempts and the last ones of what was given up, from an id on, in the order of ids. */
export async function historyRows(
  session: MariadbSession,
  { webhooks }: MailServer,
  { from, limit }: { readonly from: number; readonly limit: number },
): Promise<readonly HistoryRow[]> {
  const rows = await session.query<Omit<HistoryRow, 'timestamp'> & { timestamp: string }>(
    `select id, uuid, event, payload, timestamp from ${webhooks}
     where id >= ? and event like 'Message%' and (attempt = 1 or will_retry = 0)
     order by id limit ${Math.floor(limit)}`,
    [from],
  );
  return rows.map((row) => ({ ...row, timestamp: Number(row.timestamp) }));
}

/** Webhooks that Postal is still going to send. */
export interface QueuedWebhooks {
  readonly uuids: ReadonlySet<string>;
  /** `EVENT TOKEN` for each message that one is about. */
  readonly about: ReadonlySet<string>;
}

/** Reads Postal's whole queue of webhooks, a page at a time: 36 minutes of events while nobody takes them. */
export async function queuedWebhooks(
  session: MariadbSession,
  { id: serverId, queuedWebhooks: table }: MailServer,
  limit: number,
): Promise<QueuedWebhooks> {
  const uuids = new Set<string>();
  const about = new Set<string>();
  for (let afterId = 0; ;) {
    const rows = await session.query<{
      id: number;
      uuid: string | null;
      event: string;
      payload: string | null;
    }>(
      `select id, uuid, event, payload from ${table} where server_id = ? and id > ? order by id limit ${Math.floor(limit)}`,
      [serverId, afterId],
    );
    for (const { uuid, event, payload } of rows) {
      uuids.add(uuid ?? '');
      for (const [, token] of (payload ?? '').matchAll(tokens)) about.add(`${event} ${token}`);
    }
    afterId = rows.at(-1)?.id ?? 0;
    if (rows.length < limit) return { uuids, about };
  }
}

/** Postal keeps the payload in its queue as YAML: `:token: abc` or `token: 'abc'`. */
const tokens = /\btoken: *['"]?([A-Za-z0-9]+)/g;
