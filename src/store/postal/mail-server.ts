import type { MariadbSession } from '../../adapters/mariadb.ts';
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

/** A mail server of Postal's, with the names of its tables ready to stand in a statement. */
export interface MailServer {
  readonly id: number;
  readonly queue: string;
  readonly queuedWebhooks: string;
  readonly messages: string;
  readonly deliveries: string;
  readonly loads: string;
  readonly clicks: string;
  readonly links: string;
  readonly webhooks: string;
}

/** The mail server that the API key is of. Throws `access-denied` when none has it. Postal compares the key without case. */
export async function findMailServer(
  session: MariadbSession,
  { main, messagePrefix, apiKey }: PostalDatabases,
): Promise<MailServer> {
  const [row] = await session.query<{ id: number }>(
    `select server_id as id from ${quoted(main)}.credentials where type = 'API' and \`key\` = ?`,
    [apiKey.reveal()],
  );
  if (row) return tablesOf(row.id, quoted(main), quoted(`${messagePrefix}-server-${row.id}`));
  throw new OperatorError('access-denied', 'no mail server in this Postal has the API key', {
    hint: 'Check POSTAL_API_KEY, and that POSTAL_DB_HOST and POSTAL_DB_NAME belong to the same Postal: mailctl config show --origin',
    field: 'POSTAL_API_KEY',
  });
}

function tablesOf(id: number, main: string, own: string): MailServer {
  return {
    id,
    queue: `${main}.queued_messages`,
    queuedWebhooks: `${main}.webhook_requests`,
    messages: `${own}.messages`,
    deliveries: `${own}.deliveries`,
    loads: `${own}.loads`,
    clicks: `${own}.clicks`,
    links: `${own}.links`,
    webhooks: `${own}.webhook_requests`,
  };
}
