import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { BodyRetention, BodyTable } from '../../domain/postal-retention.ts';
import { postalDatabaseNames } from './backup.ts';
import { quoted } from './quoted.ts';

/** What one mail server keeps of bodies. */
export interface ServerBodies {
  readonly id: number;
  readonly name: string;
  readonly retention: BodyRetention;
  readonly tables: readonly BodyTable[];
  /** Messages in the queue whose body is gone: Postal will fail them. */
  readonly lost: number;
}

interface ServerRow extends Record<string, unknown> {
  readonly id: number;
  readonly name: string | null;
  readonly days: number | null;
  readonly megabytes: number | null;
}

const megabyte = 1024 ** 2;

/** Every mail server that Postal still has, with its daily tables of bodies and what of them is queued. */
export async function bodiesOfServers(
  session: MariadbSession,
  names: { readonly main: string; readonly messagePrefix: string },
): Promise<readonly ServerBodies[]> {
  const there = new Set(await postalDatabaseNames(session, names));
  const servers = await session.query<ServerRow>(
    `select id, permalink as name, raw_message_retention_days as days, raw_message_retention_size as megabytes
     from ${quoted(names.main)}.servers where deleted_at is null order by id`,
  );
  const found: ServerBodies[] = [];
  for (const { id, name, days, megabytes } of servers) {
    const database = `${names.messagePrefix}-server-${id}`;
    if (!there.has(database)) continue;
    const queued = await queuedByTable(session, quoted(names.main), quoted(database), id);
    const mostBytes = megabytes === null ? null : megabytes * megabyte;
    found.push({
      id,
      name: name ?? String(id),
      retention: { days, mostBytes },
      tables: await tablesOf(session, quoted(database), queued),
      lost: queued.get('') ?? 0,
    });
  }
  return found;
}

/** Counts by the table that has the body; of those without one under the empty name. */
async function queuedByTable(
  session: MariadbSession,
  main: string,
  own: string,
  serverId: number,
): Promise<ReadonlyMap<string, number>> {
  const rows = await session.query<{ name: string; queued: number }>(
    `select coalesce(m.raw_table, '') as name, count(*) as queued
     from ${main}.queued_messages q join ${own}.messages m on m.id = q.message_id
     where q.server_id = ? group by 1`,
    [serverId],
  );
  return new Map(rows.map(({ name, queued }) => [name, Number(queued)]));
}

async function tablesOf(
  session: MariadbSession,
  own: string,
  queued: ReadonlyMap<string, number>,
): Promise<readonly BodyTable[]> {
  const rows = await session.query<{ name: string; bytes: string | number | null }>(
    `select table_name as name, size as bytes from ${own}.raw_message_sizes`,
  );
  return rows.flatMap(({ name, bytes }) => {
    const [, day] = /^raw-(\d{4}-\d{2}-\d{2})$/.exec(name) ?? [];
    if (day === undefined) return [];
    return [
      { name, day: new Date(`${day}T00:00:00Z`), bytes: Number(bytes ?? 0), queued: queued.get(name) ?? 0 },
    ];
  });
}
