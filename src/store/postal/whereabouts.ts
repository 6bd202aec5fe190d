import type { MariadbSession } from '../../adapters/mariadb.ts';
import type { Found } from '../../domain/delivery.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Secret } from '../../domain/secret.ts';
import { quoted } from './quoted.ts';

/** Where Postal keeps what. */
export interface PostalDatabases {
  readonly main: string;
  /** A mail server's messages are in the database `PREFIX-server-ID`. */
  readonly messagePrefix: string;
  /** Tells which mail server it is: nobody can name a wrong one, whose database would know none of our messages. */
  readonly apiKey: Secret;
}

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
  const serverId = await mailServerOf(session, databases);
  const tables = tablesOf(databases, serverId);
  const key = [mailFrom, mailFrom];
  // Postal writes the message, then its queue entry; after an attempt the delivery, and only then does it drop the queue entry.
  // Read in this order, whatever leaves the queue between two reads has its delivery by the last.
  const copies = await session.query<Copy>(copiesIn(tables), key);
  if (copies.length === 0) return new Map(recipients.map((address) => [address, { at: 'nowhere' }]));
  const queued = await session.query<Taken>(queuedIn(tables), [serverId, ...key]);
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

/** Postal's own look-up of a key (it compares without case). */
async function mailServerOf(session: MariadbSession, { main, apiKey }: PostalDatabases): Promise<number> {
  const [row] = await session.query<{ id: number }>(
    `select server_id as id from ${quoted(main)}.credentials where type = 'API' and \`key\` = ?`,
    [apiKey.reveal()],
  );
  if (row) return row.id;
  throw new OperatorError('access-denied', 'no mail server in this Postal has the API key', {
    hint: 'Check POSTAL_API_KEY, and that POSTAL_DB_HOST and POSTAL_DB_NAME belong to the same Postal: mailctl config show --origin',
    field: 'POSTAL_API_KEY',
  });
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

interface Tables {
  readonly queue: string;
  readonly messages: string;
  readonly deliveries: string;
}

function copiesIn({ messages }: Tables): string {
  return `select m.id, m.token, m.rcpt_to as address from ${messages} m where ${ofMailFrom} order by m.id`;
}

function queuedIn({ queue, messages }: Tables): string {
  return `select m.id from ${messages} m join ${queue} q on q.message_id = m.id and q.server_id = ? where ${ofMailFrom}`;
}

function attemptedIn({ deliveries, messages }: Tables): string {
  return `select distinct m.id from ${messages} m join ${deliveries} d on d.message_id = m.id where ${ofMailFrom}`;
}

function tablesOf({ main, messagePrefix }: PostalDatabases, serverId: number): Tables {
  const messageDatabase = quoted(`${messagePrefix}-server-${serverId}`);
  return {
    queue: `${quoted(main)}.queued_messages`,
    messages: `${messageDatabase}.messages`,
    deliveries: `${messageDatabase}.deliveries`,
  };
}
