import { readFileSync } from 'node:fs';

import { createConnection, type RowDataPacket } from 'mysql2/promise';

import type { MariadbAddress } from '../../src/adapters/mariadb.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { Ledger } from '../../src/postal-stand-in/options.ts';
import type { PostalDatabases } from '../../src/store/postal/mail-server.ts';
import { type MariadbAddress as Server, mariadbAddress } from './mariadb.ts';
import { postalLedger } from './postal-ledger.ts';

/** Databases of Postal's schema on the real MariaDB of this run, for one mail server; disposing drops them and the reader. */
export interface TestPostal extends AsyncDisposable {
  readonly names: PostalDatabases;
  /** A user that may select what a look-up needs, and nothing else. */
  readonly reader: MariadbAddress;
  /** Writes each row as Postal does, in its order. */
  readonly ledger: Ledger;
  /** Speaks to the databases as root, from Postal's main database. */
  run(text: string, values?: readonly (string | number | null | Buffer)[]): Promise<readonly RowDataPacket[]>;
  /** How many copies Postal will send or has tried to, by `mail_from` and recipient. */
  living(): Promise<Readonly<Record<string, number>>>;
  readonly messages: string;
  /** For a stand-in that writes the rows from a process of its own. */
  readonly place: {
    readonly socketPath: string;
    readonly user: string;
    readonly password: string;
    readonly main: string;
    readonly messages: string;
    readonly serverId: number;
  };
}

const testApiKey = new Secret('ILhJDVFXjMGU6bzl1mIo2lCL');
const serverId = 7;

/** Creates them: `await using databases = await postalDatabases()`; on a server of the test's own where one is given. */
export async function postalDatabases(server?: Server): Promise<TestPostal> {
  const { socketPath, user, password } = server ?? (await mariadbAddress());
  const root = await createConnection({ socketPath, user, password, multipleStatements: true });
  // A test may end a server of its own.
  root.on('error', () => undefined);
  const main = `postal_${systemRandom.letters(12)}`;
  const messages = `${main}-server-${serverId}`;
  await root.query(schemaOf(main, messages));
  await root.execute(
    `insert into credentials (server_id, \`key\`, type) values (8, 'another', 'API'), (9, ?, 'SMTP'), (?, ?, 'API')`,
    [testApiKey.reveal(), serverId, testApiKey.reveal()],
  );
  const reader = { user: `r_${systemRandom.letters(12)}`, password: new Secret(systemRandom.letters(32)) };
  const readable = [
    `select on \`${main}\`.queued_messages`,
    `select (server_id, type, \`key\`) on \`${main}\`.credentials`,
    `select on \`${main}\`.webhook_requests`,
    `select (id, organization_id, allow_sender, deleted_at) on \`${main}\`.servers`,
    `select (name, verified_at, owner_type, owner_id, use_for_any) on \`${main}\`.domains`,
    ...['messages', 'deliveries', 'loads', 'clicks', 'links', 'webhook_requests'].map(
      (table) => `select on \`${messages}\`.${table}`,
    ),
  ];
  const grants = readable.map((what) => `grant ${what} to ${reader.user}@localhost`);
  await root.query(
    [`create user ${reader.user}@localhost identified by '${reader.password.reveal()}'`, ...grants].join(';'),
  );
  const run: TestPostal['run'] = async (text, values = []) => {
    const [rows] = await root.execute<RowDataPacket[]>(text, [...values]);
    return rows;
  };
  return {
    names: { main, messagePrefix: main, apiKey: testApiKey },
    reader: { ...reader, host: socketPath, port: 3306, timeoutMs: 10_000 },
    messages,
    place: { socketPath, user, password, main, messages, serverId },
    run,
    ledger: postalLedger({ run, messages, serverId }),
    living: async () => countLiving(await run(livingIn(messages))),
    [Symbol.asyncDispose]: async () => {
      await root.query(
        `drop database \`${main}\`; drop database \`${messages}\`; drop user ${reader.user}@localhost`,
      );
      root.destroy();
    },
  };
}

function schemaOf(main: string, messages: string): string {
  return [
    `create database \`${main}\` collate utf8mb4_general_ci; use \`${main}\`;`,
    readFileSync(new URL('postal-main.sql', import.meta.url), 'utf8'),
    `create database \`${messages}\` collate utf8mb4_unicode_ci; use \`${messages}\`;`,
    readFileSync(new URL('postal-messages.sql', import.meta.url), 'utf8'),
    `use \`${main}\`;`,
  ].join('\n');
}

function livingIn(messages: string): string {
  return `select m.mail_from, hex(m.rcpt_to) as rcpt_to from \`${messages}\`.messages m
    where m.id in (select message_id from queued_messages where server_id = ${serverId})
      or m.id in (select message_id from \`${messages}\`.deliveries)`;
}

function countLiving(rows: readonly RowDataPacket[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { mail_from: mailFrom, rcpt_to: hex } of rows) {
    const copy = `${mailFrom} ${Buffer.from(hex, 'hex').toString()}`;
    counts[copy] = (counts[copy] ?? 0) + 1;
  }
  return counts;
}
