import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeAgeKey } from '../../../src/adapters/age.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { cacheFolder, libraryFolders, unpackDebian } from '../../engines/debian-packages.ts';
import type { MariadbAddress } from '../../engines/mariadb.ts';
import { postalDatabases, type TestPostal } from '../../engines/postal-databases.ts';
import { testDatabase, type TestDatabase } from '../../engines/postgres.ts';
import { temporaryFolder } from '../../cli/folders.ts';
import { folderFor, runJson } from '../../integration/cli/database-folder.ts';
import { start } from '../../integration/cli/program.ts';
import { submit } from '../../store/submit.ts';

/** An operator's folder on real databases with rows in both. */
export interface Scene extends AsyncDisposable {
  readonly dir: string;
  readonly shelf: string;
  readonly database: TestDatabase;
  readonly postal: TestPostal;
  /** File of the escrow key's secret half. */
  readonly escrow: string;
  /** Client programs, which a test may replace. */
  readonly tools: string;
  /** Closes the test's own connections to the databases, which count as traffic; gives Postal's back afterwards. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** Closes the test's pool for good. */
  hangUp(): Promise<void>;
  backup(...words: readonly string[]): ReturnType<typeof runJson>;
  /** The program in a process of its own. */
  process(...words: readonly string[]): ReturnType<typeof start>;
}

const programs = join(import.meta.dirname, '../../programs');

const clients = ['mariadb-dump', 'mariadb'];

/** Where the client programs of this run's MariaDB are; those that are not installed run from their unpacked package. */
async function linkClients(tools: string): Promise<void> {
  const root = await unpackDebian({ name: 'mariadb-server', brings: 'usr/sbin/mariadbd' }, cacheFolder());
  const libraries = (await libraryFolders(root)).map((folder) => join(root, folder)).join(':');
  for (const client of clients) {
    const program = join(root, 'usr/bin', client);
    writeFileSync(join(tools, client), `#!/bin/sh\nLD_LIBRARY_PATH=${libraries} exec ${program} "$@"\n`);
    chmodSync(join(tools, client), 0o755);
  }
  for (const client of ['pg_dump', 'pg_restore']) {
    writeFileSync(join(tools, client), `#!/bin/sh\nexec ${client} "$@"\n`);
    chmodSync(join(tools, client), 0o755);
  }
}

/** Servers of a test's own, as their engines tell of them; what is made there goes with them. */
export interface OwnServers {
  readonly postgres?: unknown;
  readonly mariadb?: MariadbAddress;
}

/** Makes the scene: two messages in PostgreSQL, three in Postal's databases, keys for sets. */
export async function backupScene(
  changes: Readonly<Record<string, string>> = {},
  own: OwnServers = {},
): Promise<Scene> {
  const [database, postal] = [await testDatabase(own.postgres), await postalDatabases(own.mariadb)];
  const outside = temporaryFolder();
  const tools = join(outside.path, 'tools');
  mkdirSync(tools);
  await linkClients(tools);
  const root = await dumper(postal);
  const folder = folderFor(database, {
    POSTAL_DB_HOST: postal.place.socketPath,
    POSTAL_DB_USER: postal.reader.user,
    POSTAL_DB_PASSWORD: postal.reader.password.reveal(),
    POSTAL_DB_NAME: postal.names.main,
    POSTAL_DB_MESSAGE_PREFIX: postal.names.messagePrefix,
    BACKUP_MARIADB_USER: root.user,
    BACKUP_MARIADB_PASSWORD: `'${root.password}'`,
    BACKUP_TOOLS_PATH: tools,
    BACKUP_AVOID: '00:00-00:00',
    BACKUP_SHRINK_LEAST: '2',
    RELAY_JOURNAL_DIR: 'journal',
    ...changes,
  });
  const escrow = join(outside.path, 'escrow.key');
  await makeKeys(folder.path, escrow);
  await fill(database, postal);
  let hungUp = false;
  return {
    dir: folder.path,
    shelf: join(folder.path, 'backups'),
    database,
    postal,
    escrow,
    tools,
    alone: async (work) => {
      await postal.run('use information_schema');
      try {
        return await work();
      } finally {
        await postal.run(`use \`${postal.names.main}\``);
      }
    },
    hangUp: async () => {
      hungUp = true;
      await database.db[Symbol.asyncDispose]();
    },
    backup: (...words) => runJson(folder, 'backup', ...words),
    process: (...words) => {
      const node = [
        process.execPath,
        '--import',
        join(programs, 'typescript.mjs'),
        join(programs, 'mailctl.ts'),
      ];
      return start([...node, '-C', folder.path, ...words, '--json', '--no-input']);
    },
    [Symbol.asyncDispose]: async () => {
      if (own.mariadb === undefined) await postal.run(`drop user ${root.user}@localhost`);
      if (own.postgres !== undefined && !hungUp) await database.db[Symbol.asyncDispose]();
      else if (!hungUp) await database[Symbol.asyncDispose]();
      if (own.mariadb === undefined) await postal[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
      outside[Symbol.dispose]();
    },
  };
}

/** A password that a shell, a pgpass line and a my.cnf would each take apart. */
export const awkward = String.raw`p"a$s\w:ord #x`;

async function dumper(postal: TestPostal) {
  const user = `d_${systemRandom.letters(12)}`;
  await postal.run(
    `create user ${user}@localhost identified by '${awkward.replaceAll(/[\\']/g, String.raw`\$&`)}'`,
  );
  await postal.run(`grant all on *.* to ${user}@localhost`);
  return { user, password: awkward };
}

async function makeKeys(dir: string, escrow: string): Promise<void> {
  const [theirs, ours] = [await makeAgeKey(), await makeAgeKey()];
  mkdirSync(join(dir, 'secrets'), { recursive: true });
  writeFileSync(escrow, `${theirs.identity.reveal()}\n`, { mode: 0o600 });
  writeFileSync(join(dir, 'secrets/backup-escrow.pub'), `${theirs.recipient}\n`);
  writeFileSync(join(dir, 'secrets/backup-verify.key'), `${ours.identity.reveal()}\n`, { mode: 0o600 });
  writeFileSync(join(dir, 'secrets/postal-signing.key'), 'a signing key\n', { mode: 0o600 });
  writeFileSync(join(dir, 'compose.yaml'), 'services: {}\n');
}

async function fill({ db }: TestDatabase, postal: TestPostal): Promise<void> {
  await submit(db, {});
  await submit(db, {});
  await postal.run(
    `create table \`${postal.messages}\`.\`raw-2026-11-23\` (id int primary key auto_increment, data longblob, next int)`,
  );
  for (const id of [1, 2, 3]) {
    await storedAtPostal(postal, { id, token: `t${id}`, mailFrom: `k${id}@mail.test` });
    await postal.run(`insert into \`${postal.messages}\`.\`raw-2026-11-23\` (data) values (?)`, [
      `line\nUSE \`x\`;\n${'\u0001é'.repeat(500)}`,
    ]);
  }
}

/** The manifest of a set. */
export function manifestOf({ shelf }: Scene, id: string) {
  return JSON.parse(readFileSync(join(shelf, id, 'manifest.json'), 'utf8'));
}

interface AtPostal {
  readonly id: number;
  readonly token: string;
  readonly mailFrom: string;
}

/** A message in Postal's rows, as far as a backup looks at it. */
export async function storedAtPostal(postal: TestPostal, { id, token, mailFrom }: AtPostal): Promise<void> {
  await postal.run(
    `insert into \`${postal.messages}\`.messages (id, token, scope, rcpt_to, mail_from, timestamp, status)
     values (?, ?, 'outgoing', 'ann@example.test', ?, 1, 'Pending')`,
    [id, token, mailFrom],
  );
}
