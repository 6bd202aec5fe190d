import type { JoinedPrograms } from '../../adapters/joined-programs.ts';
import { OperatorError } from '../../domain/failure.ts';
import {
  beginMariadbSnapshot,
  countPostalRows,
  lockTables,
  mariadbVersion,
  postalDatabaseNames,
  unlockTables,
} from '../../store/postal/backup.ts';
import { type Dumped, dumpedAndCounted, type DumpTarget } from './dump-postgres.ts';
import { type MariadbAccess, mariadbAccess } from './mariadb-access.ts';
import { secretLine } from './secret-script.ts';
import { type Tools, toolsFor } from './tools.ts';
import type { Workplace } from './workplace.ts';
import { type Packed, type PartTarget, startPacked, writePart } from './write-part.ts';

/**
 * Dumps Postal's main database and every mail server's in one run. Writers wait for the moment in which both the dump and the session
 * that counts rows begin to read, so both see the same.
 */
export async function dumpMariadb(place: Workplace, target: DumpTarget): Promise<Dumped> {
  const access = await mariadbAccess(place);
  return access.server.session(async (locking) => {
    const server = await mariadbVersion(locking);
    const tools = await toolsFor(place.world, { store: 'mariadb', version: server });
    const databases = await postalDatabaseNames(locking, access.names);
    requireMain(databases, access);
    await lockTables(locking, place.config.BACKUP_LOCK_TIMEOUT);
    const begun = watchBeginning();
    const packed = await startDump(place, access, { tools, databases, begun, target });
    const { source } = packed;
    const writing = writePart(place, packed, { name: 'MariaDB', expected: target.expected });
    const counted = access.server.session(async (counting) => {
      await Promise.race([begun.within(source, place.config.BACKUP_LOCK_TIMEOUT), writing]);
      const binlog = await beginMariadbSnapshot(counting);
      await unlockTables(locking);
      target.begun();
      return { ...binlog, tables: await countPostalRows(counting, databases) };
    });
    const [written, counts] = await dumpedAndCounted(source, writing, counted);
    requireEndMarker(written.tail);
    return { ...written, ...counts, server, tool: `mariadb-dump (${tools.where})` };
  });
}

interface Dump {
  readonly tools: Tools;
  readonly databases: readonly string[];
  readonly begun: Beginning;
  readonly target: PartTarget;
}

async function startDump(
  place: Workplace,
  access: MariadbAccess,
  { tools, databases, begun, target }: Dump,
): Promise<Packed> {
  const packet = place.config.BACKUP_MARIADB_PACKET;
  const flags = [...mariadbDumpFlags(packet), ...mariadbLogin(access, tools)];
  const argv = tools.argv('mariadb-dump', ...flags, '--databases', ...databases);
  const packed = await startPacked(place, argv, { ...target, hear: begun.hear });
  packed.source.input.end(secretLine('mariadb', access.password));
  return packed;
}

/** How every dump of MariaDB is made, so that two of the same rows are the same text. */
export function mariadbDumpFlags(packet: string): readonly string[] {
  return [
    '--single-transaction',
    '--quick',
    '--hex-blob',
    `--max-allowed-packet=${packet}`,
    '--routines',
    '--triggers',
    '--events',
    '--default-character-set=utf8mb4',
  ];
}

/** How a client program reaches the server. */
export function mariadbLogin(
  { host, port, user }: Pick<MariadbAccess, 'host' | 'port' | 'user'>,
  { besideServer }: Pick<Tools, 'besideServer'>,
): readonly string[] {
  if (besideServer) return [`--user=${user}`];
  const server = host.startsWith('/') ? [`--socket=${host}`] : [`--host=${host}`, `--port=${port}`];
  return [...server, `--user=${user}`];
}

/** What mariadb-dump prints once its transaction has begun. */
const firstWords = '-- Current Database';
const longestBeginning = 65_536;

interface Beginning {
  hear(octets: Buffer): void;
  /** Resolves when those words were heard, or the dump is over. A dump that does not come so far in time is ended. */
  within(source: JoinedPrograms, ms: number): Promise<void>;
}

function watchBeginning(): Beginning {
  const watched = openPromise();
  let text = '';
  return {
    hear: (octets) => {
      text += octets.toString('latin1');
      if (text.includes(firstWords) || text.length >= longestBeginning) watched.resolve();
    },
    within: (source, ms) => {
      const late = setTimeout(() => {
        watched.reject(tooSlow());
        source.kill();
      }, ms);
      void source.ended.then(() => watched.resolve(), watched.reject);
      return watched.promise.finally(() => clearTimeout(late));
    },
  };
}

interface OpenPromise {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function openPromise(): OpenPromise {
  const open: { -readonly [K in 'resolve' | 'reject']?: OpenPromise[K] } = {};
  const promise = new Promise<void>((resolve, reject) => {
    open.resolve = resolve;
    open.reject = reject;
  });
  return { promise, resolve: () => open.resolve?.(), reject: (error) => open.reject?.(error) };
}

function tooSlow(): OperatorError {
  return new OperatorError(
    'timed-out',
    'mariadb-dump had not begun to read when BACKUP_LOCK_TIMEOUT was over',
    {
      hint: 'See what keeps MariaDB busy, or raise it; nobody is locked out any more',
      field: 'BACKUP_LOCK_TIMEOUT',
    },
  );
}

/** Throws when the last words of a whole dump are missing. */
export function requireEndMarker(tail: Buffer): void {
  if (/^-- Dump completed/m.test(tail.toString('latin1'))) return;
  throw new OperatorError('check-failed', 'the dump of MariaDB has no end: it was cut short', {
    hint: 'Look at the log of MariaDB, and at BACKUP_MARIADB_PACKET',
    field: 'BACKUP_MARIADB_PACKET',
  });
}

function requireMain(databases: readonly string[], { names }: MariadbAccess): void {
  if (databases[0] === names.main) return;
  throw new OperatorError('unreachable', `MariaDB has no database ${names.main}, or it may not be seen`, {
    hint: 'Check POSTAL_DB_NAME, and the rights of BACKUP_MARIADB_USER',
    field: 'POSTAL_DB_NAME',
  });
}
