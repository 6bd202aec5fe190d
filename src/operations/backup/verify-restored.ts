import type { Part, TableRows } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Secret } from '../../domain/secret.ts';
import { countRows, newestBody, newestMessage } from '../../store/backup.ts';
import { findMessage } from '../../store/message-views.ts';
import { migrations, migrationStatus } from '../../store/migrate.ts';
import { countPostalRows } from '../../store/postal/backup.ts';
import { dropPostalDatabase } from '../../store/postal/restore.ts';
import { dropDatabase } from '../../store/restore.ts';
import { databasesOf, restoreMariadbBeside, restorePostgresBeside } from './beside.ts';
import { mariadbDumpFlags, mariadbLogin } from './dump-mariadb.ts';
import { asText, postgresLogin } from './dump-postgres.ts';
import { mariadbAccess } from './mariadb-access.ts';
import { readPart, sealOf } from './read-part.ts';
import { requireSuccess } from './program-output.ts';
import { toolsForRunning } from './running-server.ts';
import { secretLine } from './secret-script.ts';
import type { BackupSet } from './sets.ts';
import { type Digests, mariadbDigests, postgresDigests } from './table-digests.ts';
import { toolsFor } from './tools.ts';
import { setPath, stopOrTimeout, type Workplace } from './workplace.ts';
import { allOrNone } from './write-part.ts';
import { pipeline } from 'node:stream/promises';
import type { RunningProgram } from '../../adapters/running-program.ts';

/** One table of the set beside the restored one. */
export interface Compared {
  readonly table: string;
  readonly rows: number;
  readonly restored_rows: number;
  readonly same: boolean;
}

interface Proving {
  readonly set: BackupSet;
  readonly part: Part;
  readonly identity: Secret;
  readonly scratch: string;
}

/** Restores both dumps into databases of their own, compares every table with the set, and drops them again. */
export async function restoreAndCompare(
  place: Workplace,
  set: BackupSet,
  identity: Secret,
): Promise<readonly Compared[]> {
  const scratch = `proof_${place.world.random.letters(8)}`;
  const compared: Compared[] = [];
  for (const part of set.manifest.parts) {
    if (part.kind === 'postgres')
      compared.push(...(await provePostgres(place, { set, part, identity, scratch })));
    if (part.kind === 'mariadb')
      compared.push(...(await proveMariadb(place, { set, part, identity, scratch })));
  }
  const wrong = compared.filter(({ same }) => !same);
  if (wrong.length > 0) throw different(set.id, wrong);
  return compared;
}

async function provePostgres(place: Workplace, proving: Proving): Promise<readonly Compared[]> {
  const { set, part, scratch } = proving;
  place.tell('PostgreSQL: restoring beside');
  await restorePostgresBeside(place, proving, scratch);
  await using main = await place.world.postgresNamed('postgres');
  try {
    await using db = await place.world.postgresNamed(scratch);
    const rows = await countRows(db, databasesOf(part)[0] ?? '');
    await requireUsable(place, set, db);
    place.tell('PostgreSQL: comparing');
    const inSet = postgresDigests();
    await readTextOf(place, proving, inSet);
    const restored = postgresDigests();
    const tools = await toolsForRunning(place, 'postgres', part);
    const login = postgresLogin(place, tools, part.octets === 'escape' ? asText(scratch) : scratch);
    const argv = tools.argv('pg_dump', '--format=plain', '--no-password', ...login);
    await digest(place, argv, secretLine('postgres', place.config.POSTGRES_PASSWORD), restored);
    const inDump = withoutSchema(inSet.result());
    return compare(part.tables, rows, {
      inSet: inDump,
      restored: withoutSchema(restored.result()),
      key: ({ table }) => table,
    });
  } finally {
    await dropDatabase(main, scratch);
  }
}

/** `public.messages` is `messages` in the manifest. */
function withoutSchema(digests: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...digests].map(([name, hash]) => [name.replace(/^public\./, ''), hash]));
}

/** What the set's dump of PostgreSQL is as text. */
async function readTextOf(place: Workplace, { set, part, identity }: Proving, into: Digests): Promise<void> {
  const tools = await toolsFor(place.world, { store: 'postgres', version: part.server ?? '', orNewer: true });
  const program = (await place.world.programs()).start(tools.argv('pg_restore', '--file=-'));
  program.input.write('-\n');
  const path = setPath(place, set.id, part.file);
  const reading = readPart(place, { path, seal: await sealOf(place, path, identity), into: program });
  await allOrNone([program], [pipeline(program.output, into.into), reading], stopOrTimeout(place));
}

async function digest(
  place: Workplace,
  argv: Parameters<Awaited<ReturnType<Workplace['world']['programs']>>['start']>[0],
  secret: string,
  into: Digests,
): Promise<void> {
  const program: RunningProgram = (await place.world.programs()).start(argv);
  program.input.end(secret);
  await allOrNone(
    [program],
    [pipeline(program.output, into.into), requireSuccess(program)],
    stopOrTimeout(place),
  );
}

/** The database is one of ours, not newer than this program, and its newest message reads through the store's own code. */
async function requireUsable(
  place: Workplace,
  { id, manifest }: BackupSet,
  db: Parameters<typeof newestMessage>[0],
): Promise<void> {
  const { applied, newerThanUs } = await migrationStatus(db, await migrations());
  if ((applied.at(-1) ?? null) !== manifest.migration || newerThanUs.length > 0) {
    throw new OperatorError(
      'check-failed',
      `${id} was made by another version of mailctl: migration ${applied.at(-1)}`,
      {
        hint: 'Verify it with the version that made it',
      },
    );
  }
  if (applied.length > 0) await requireReadable(db);
  place.tell('PostgreSQL: migrations and messages read');
}

/** The newest message is found, and the newest body that is kept has the octets that were taken. */
async function requireReadable(db: Parameters<typeof newestMessage>[0]): Promise<void> {
  const [newest, body] = [await newestMessage(db), await newestBody(db)];
  if (newest !== undefined && !(await findMessage(db, newest))) throw notReadable(newest);
  if (body && body.raw.length !== body.sizeBytes) throw notReadable(body.id);
}

function notReadable(id: string): OperatorError {
  return new OperatorError('check-failed', `the message ${id} cannot be read from the restored database`, {
    hint: 'See it in the running one: mailctl trace ID; or use another set: mailctl backup list',
  });
}

async function proveMariadb(place: Workplace, proving: Proving): Promise<readonly Compared[]> {
  const { set, part, scratch, identity } = proving;
  const nameOf = (database: string) => `${scratch}_${database}`;
  const names = databasesOf(part).map(nameOf);
  place.tell('MariaDB: restoring beside');
  await restoreMariadbBeside(place, proving, nameOf);
  const access = await mariadbAccess(place);
  const plainName = (name: string) => name.slice(scratch.length + 1);
  try {
    const rows = await access.server.session((session) => countPostalRows(session, names));
    place.tell('MariaDB: comparing');
    const inSet = mariadbDigests((name) => name);
    const path = setPath(place, set.id, part.file);
    await readPart(place, { path, seal: await sealOf(place, path, identity), into: inSet.into });
    const restored = mariadbDigests(plainName);
    const tools = await toolsForRunning(place, 'mariadb', part);
    const flags = [...mariadbDumpFlags(place.config.BACKUP_MARIADB_PACKET), ...mariadbLogin(access, tools)];
    await digest(
      place,
      tools.argv('mariadb-dump', ...flags, '--databases', ...names),
      secretLine('mariadb', access.password),
      restored,
    );
    const found = rows.map((row) => ({ ...row, database: plainName(row.database) }));
    return compare(part.tables, found, { inSet: inSet.result(), restored: restored.result(), key: fullName });
  } finally {
    await access.server.session(async (session) => {
      for (const name of names) await dropPostalDatabase(session, name);
    });
  }
}

function fullName({ database, table }: TableRows): string {
  return `${database}.${table}`;
}

interface Sides {
  readonly inSet: ReadonlyMap<string, string>;
  readonly restored: ReadonlyMap<string, string>;
  key(row: TableRows): string;
}

function compare(
  wanted: readonly TableRows[],
  found: readonly TableRows[],
  { inSet, restored, key }: Sides,
): readonly Compared[] {
  const rowsOf = new Map(found.map((row) => [key(row), row.rows]));
  const seen = new Set([...wanted.map(key), ...inSet.keys(), ...restored.keys()]);
  const expected = new Map(wanted.map((row) => [key(row), row.rows]));
  return [...seen].toSorted().map((name) => {
    const [rows, restoredRows] = [expected.get(name) ?? 0, rowsOf.get(name) ?? -1];
    const same =
      rows === restoredRows && inSet.get(name) === restored.get(name) && (rows === 0 || inSet.has(name));
    return { table: name, rows, restored_rows: restoredRows, same };
  });
}

function different(id: string, wrong: readonly Compared[]): OperatorError {
  const lines = wrong.map(
    ({ table, rows, restored_rows: is }) => `${table}: ${rows} rows in the set, ${is} restored`,
  );
  return new OperatorError(
    'check-failed',
    `${id} does not restore to what it says:\n  ${lines.join('\n  ')}`,
    {
      hint: 'Take a new set, and verify that: mailctl backup run',
      data: { different: wrong },
    },
  );
}
