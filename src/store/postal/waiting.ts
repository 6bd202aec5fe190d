import type { MariadbSession } from '../../adapters/mariadb.ts';
import { quoted } from './quoted.ts';

/** What waits in Postal: mail that it was given and has not sent, and webhooks that we have not answered yet. */
export interface WaitingAtPostal {
  readonly mail: Waiting;
  readonly webhooks: Waiting;
}

interface Waiting {
  readonly depth: number;
  readonly oldestSeconds: number;
}

/** Counts what waits in Postal's main database, mail between two attempts too. Its times are UTC. */
export async function waitingAtPostal(session: MariadbSession, main: string): Promise<WaitingAtPostal> {
  return {
    mail: await waitingIn(session, `${quoted(main)}.queued_messages`),
    webhooks: await waitingIn(session, `${quoted(main)}.webhook_requests`),
  };
}

async function waitingIn(session: MariadbSession, table: string): Promise<Waiting> {
  const [row] = await session.query<{ depth: number; seconds: number | null }>(
    `select count(*) as depth, timestampdiff(second, min(created_at), utc_timestamp()) as seconds from ${table}`,
  );
  return { depth: Number(row?.depth ?? 0), oldestSeconds: Math.max(0, Number(row?.seconds ?? 0)) };
}

/** Which MariaDB answers, such as 11.8.3. */
export async function mariadbVersion(session: MariadbSession): Promise<string | undefined> {
  const [row] = await session.query<{ version: string }>('select version() as version');
  return /^[\d.]+/.exec(row?.version ?? '')?.[0];
}
