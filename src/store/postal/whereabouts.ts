import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { Found, PostalName } from '../../domain/delivery.ts';
import { findMailServer, type MailServer, type PostalDatabases } from './mail-server.ts';

interface Question {
  /** Age from which Postal may have tidied a queue entry away whose lock was stale. */
  readonly tidyMs: number;
  readonly mailFrom: string;
  readonly recipients: readonly string[];
}

/**
 * What Postal's databases say of the recipients of one `mail_from`, compared octet for octet. Throws `access-denied` when no mail
 * server has the API key. Ask only when Postal can no longer be writing.
 */
export async function findWhereabouts(
  session: MariadbSession,
  databases: PostalDatabases,
  { mailFrom, recipients, tidyMs }: Question,
): Promise<ReadonlyMap<string, Found>> {
  const tables = await findMailServer(session, databases);
  const key = [mailFrom, mailFrom];
  // Postal writes the message, then its queue entry; after an attempt the delivery, and only then does it drop the queue entry.
  // Read in this order, whatever leaves the queue between two reads has its delivery by the last.
  const copies = await session.query<Copy>(copiesIn(tables), key);
  if (copies.length === 0) return new Map(recipients.map((address) => [address, { at: 'nowhere' }]));
  const queued = await session.query<Taken>(queuedIn(tables), [tables.id, ...key]);
  const attempted = await session.query<Taken>(attemptedIn(tables), key);
  const taken = new Set([...queued, ...attempted].map(({ id }) => id));
  return new Map(recipients.map((address) => [address, locate(address, { copies, taken, tidyMs })]));
}

interface Copy extends Record<string, unknown> {
  readonly id: number;
  readonly token: string;
  readonly address: string;
  readonly ageSeconds: string | null;
}

interface Taken extends Record<string, unknown> {
  readonly id: number;
}

interface Seen {
  readonly copies: readonly Copy[];
  readonly taken: ReadonlySet<number>;
  readonly tidyMs: number;
}

/** A message may have several copies for one recipient: an orphan, and the one that was sent after it. */
function locate(address: string, { copies, taken, tidyMs }: Seen): Found {
  const own = copies.filter((copy) => copy.address === address);
  const living = own.find(({ id }) => taken.has(id));
  if (living) return { at: 'postal', name: nameOf(living) };
  const old = own.find(({ ageSeconds }) => Number(ageSeconds) * 1000 >= tidyMs);
  if (old) return { at: 'tidied', name: nameOf(old) };
  const [orphan] = own.slice(-1);
  return orphan ? { at: 'orphan', name: nameOf(orphan) } : { at: 'nowhere' };
}

function nameOf({ id, token }: Copy): PostalName {
  return { id, token };
}

// The collation equates A with a, é with e, and a trailing space with none: the index finds, `binary` decides.
const ofMailFrom = 'm.mail_from = ? and binary m.mail_from = ?';

function copiesIn({ messages }: MailServer): string {
  return `select m.id, m.token, m.rcpt_to as address, unix_timestamp(now(6)) - m.timestamp as ageSeconds from ${messages} m where ${ofMailFrom} order by m.id`;
}

function queuedIn({ queue, messages }: MailServer): string {
  return `select m.id from ${messages} m join ${queue} q on q.message_id = m.id and q.server_id = ? where ${ofMailFrom}`;
}

function attemptedIn({ deliveries, messages }: MailServer): string {
  return `select distinct m.id from ${messages} m join ${deliveries} d on d.message_id = m.id where ${ofMailFrom}`;
}
