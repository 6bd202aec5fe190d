import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { SenderDomains } from '../../domain/sender-domains.ts';
import { findMailServer, type PostalDatabases } from './mail-server.ts';
import { quoted } from './quoted.ts';

/**
 * From where the API key's mail server may send: the verified domains of its own and of its organization; undefined where Postal has no such
 * server any more. Throws `access-denied` as `findMailServer` does.
 */
export async function verifiedDomains(
  session: MariadbSession,
  databases: PostalDatabases,
): Promise<SenderDomains | undefined> {
  const { id } = await findMailServer(session, databases);
  const main = quoted(databases.main);
  const rows = await session.query<{ name: string | null; any: number; suffices: number }>(
    `select d.name, coalesce(d.use_for_any, 0) = 1 and d.owner_type = 'Server' as any, coalesce(s.allow_sender, 0) as suffices
     from ${main}.servers s
     left join ${main}.domains d on d.verified_at is not null and d.name is not null
       and (d.owner_type = 'Server' and d.owner_id = s.id or d.owner_type = 'Organization' and d.owner_id = s.organization_id)
     where s.id = ? and s.deleted_at is null`,
    [id],
  );
  if (rows.length === 0) return undefined;
  const names = rows.flatMap(({ name }) => (name === null ? [] : [name.trim().toLowerCase()]));
  return {
    names: new Set(names),
    any: rows.some(({ any }) => any === 1),
    senderSuffices: rows.some(({ suffices }) => suffices === 1),
  };
}
