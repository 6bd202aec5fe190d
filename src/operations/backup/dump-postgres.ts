import type { JoinedPrograms } from '../../adapters/joined-programs.ts';
import type { Database } from '../../adapters/postgres.ts';
import type { TableRows } from '../../domain/backup-set.ts';
import { OperatorError } from '../../domain/failure.ts';
import { beginSnapshot, countRows, postgresVersion } from '../../store/backup.ts';
import { wasEnded } from './program-output.ts';
import { secretLine } from './secret-script.ts';
import { type Tools, toolsFor } from './tools.ts';
import type { Workplace } from './workplace.ts';
import { type PartTarget, startPacked, writePart, type Written } from './write-part.ts';

/** A store's dump with what stands in the manifest of it. */
export interface Dumped extends Written {
  readonly tool: string;
  readonly server: string;
  readonly position: string | null;
  /** Why there is no position. */
  readonly noPosition?: string;
  readonly tables: readonly TableRows[];
  /** How PostgreSQL wrote octets. */
  readonly octets?: 'escape';
}

/** Where a dump goes. */
export interface DumpTarget extends PartTarget {
  readonly expected: number | undefined;
  /** Hears that the dump reads, and that nobody waits for it. */
  readonly begun: () => void;
}

/** Dumps the database in the custom format. The rows are counted in the very snapshot that is dumped. */
export async function dumpPostgres(place: Workplace, target: DumpTarget): Promise<Dumped> {
  const { world, config } = place;
  const db = await world.postgres();
  const server = await postgresVersion(db);
  const tools = await toolsFor(world, { store: 'postgres', version: server });
  const dump = async (within: Database): Promise<Dumped> => {
    const { name, position } = await beginSnapshot(within);
    const login = postgresLogin(place, tools, asText(config.POSTGRES_DATABASE));
    const argv = tools.argv('pg_dump', ...dumpFlags, `--snapshot=${name}`, ...login);
    const packed = await startPacked(place, argv, target);
    packed.source.input.end(secretLine('postgres', config.POSTGRES_PASSWORD));
    target.begun();
    const [written, tables] = await dumpedAndCounted(
      packed.source,
      writePart(place, packed, { name: 'PostgreSQL', expected: target.expected }),
      countRows(within, config.POSTGRES_DATABASE),
    );
    if (tables.length > 0) requireDataEnd(written.tail);
    const tool = `pg_dump (${tools.where})`;
    return { ...written, tables, server, position, octets: 'escape', tool };
  };
  return db.transaction(dump, { isUnhurried: true, answerWithinMs: config.BACKUP_TIMEOUT });
}

/** The data of each table ends with a block of no length: a sign and four octets. Throws when the last one is missing. */
function requireDataEnd(tail: Buffer): void {
  if (tail.length >= 5 && tail.subarray(-5).every((octet) => octet === 0)) return;
  throw new OperatorError('check-failed', 'the dump of PostgreSQL has no end: it was cut short', {
    hint: 'Look at the log of PostgreSQL, and run it again',
  });
}

/**
 * Waits for a dump and the count of its rows; when either fails, the program is ended and has ended before this throws what failed first.
 * A frozen server leaves both without an answer for the same time: that they had no longer is what is told then.
 */
export async function dumpedAndCounted<D, C>(
  source: JoinedPrograms,
  writing: Promise<D>,
  counting: Promise<C>,
): Promise<[D, C]> {
  const failed: unknown[] = [];
  writing.catch((error: unknown) => failed.push(error));
  counting.catch((error: unknown) => {
    failed.push(error);
    source.kill();
  });
  const [dumped, counted] = await Promise.allSettled([writing, counting]);
  if (dumped.status === 'fulfilled' && counted.status === 'fulfilled') return [dumped.value, counted.value];
  throw failed.find(hadNoLonger) ?? failed.find((error) => !wasEnded(error)) ?? failed[0];
}

function hadNoLonger(error: unknown): boolean {
  return error instanceof OperatorError && error.code === 'timed-out';
}

/** zstd compresses, so pg_dump does not. */
const dumpFlags = ['--format=custom', '--compress=0', '--no-password'];

/**
 * Names a database so that its server writes octets as text where they are text, instead of two hexadecimal digits for each: mail is half as
 * long then, and zstd makes less of it in less time. PostgreSQL reads both.
 */
export function asText(database: string): string {
  const quoted = database.replaceAll(/[\\']/g, '\\$&');
  return `dbname='${quoted}' options='-c bytea_output=escape'`;
}

/** How a client program reaches the server, with the database it works on. */
export function postgresLogin(
  { config }: Pick<Workplace, 'config'>,
  { besideServer }: Pick<Tools, 'besideServer'>,
  database = config.POSTGRES_DATABASE,
): readonly string[] {
  const server = besideServer ? [] : [`--host=${config.POSTGRES_HOST}`, `--port=${config.POSTGRES_PORT}`];
  return [...server, `--username=${config.POSTGRES_USER}`, `--dbname=${database}`];
}
