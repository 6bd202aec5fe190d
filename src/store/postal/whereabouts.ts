import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { Found } from '../../domain/delivery.ts';
import { findMailServer, type MailServer, type PostalDatabases } from './mail-server.ts';

interface Question {
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
  { mailFrom, recipients }: Question,
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
  return new Map(recipients.map((address) => [address, locate(address, copies, taken)]));
}

interface Copy extends Record<string, unknown> {
  readonly id: number;
  readonly token: string;
  readonly address: string;
}

interface Taken extends Record<string, unknown> {
  readonly id: number;
}

/** A message may have several copies for one recipient: an orphan, and the one that was sent after it. */
function locate(address: string, copies: readonly Copy[], taken: ReadonlySet<number>): Found {
  const own = copies.filter((copy) => copy.address === address);
  const living = own.find(({ id }) => taken.has(id));
  if (living) return { at: 'postal', name: { id: living.id, token: living.token } };
  const [orphan] = own.slice(-1);
  return orphan ? { at: 'orphan', name: { id: orphan.id, token: orphan.token } } : { at: 'nowhere' };
}

// The collation equates A with a, é with e, and a trailing space with none: the index finds, `binary` decides.
const ofMailFrom = 'm.mail_from = ? and binary m.mail_from = ?';

function copiesIn({ messages }: MailServer): string {
  return `select m.id, m.token, m.rcpt_to as address from ${messages} m where ${ofMailFrom} order by m.id`;
}

function queuedIn({ queue, messages }: MailServer): string {
  return `select m.id from ${messages} m join ${queue} q on q.message_id = m.id and q.server_id = ? where ${ofMailFrom}`;
}

function attemptedIn({ deliveries, messages }: MailServer): string {
  return `select distinct m.id from ${messages} m join ${deliveries} d on d.message_id = m.id where ${ofMailFrom}`;
}
