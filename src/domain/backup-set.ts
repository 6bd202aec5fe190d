/** What a set holds of one table: rows in the snapshot that was dumped. */
export interface TableRows {
  readonly database: string;
  readonly table: string;
  readonly rows: number;
}

export type Store = 'postgres' | 'mariadb';

/** One file of a set. */
export interface Part {
  readonly kind: Store | 'config' | 'secrets';
  readonly file: string;
  /** Octets and SHA-256 of the sealed file. */
  readonly bytes: number;
  readonly sha256: string;
  /** Octets before compression. */
  readonly plain_bytes: number;
  /** Whom it is sealed to, as in `encryption`. */
  readonly sealed_to: readonly ('escrow' | 'verify')[];
  readonly tool: string;
  readonly server: string | null;
  /** The WAL position, or the binlog's file and position with the GTID, at the moment of the snapshot; null where the server keeps none. */
  readonly position: string | null;
  /** Why a dump has no position; absent where it has one. */
  readonly no_position?: string | undefined;
  /** How a dump of PostgreSQL writes octets; absent where that is hexadecimal, as MariaDB's always is. */
  readonly octets?: 'escape' | undefined;
  readonly started_at: string;
  readonly seconds: number;
  readonly tables: readonly TableRows[];
}

/** What stands in `manifest.json`, which is written last: a folder without it is no set. */
export interface Manifest {
  readonly format: 1;
  readonly id: string;
  readonly created_at: string;
  readonly seconds: number;
  readonly host: string;
  readonly encryption: {
    readonly mode: 'verify-key' | 'strict';
    readonly escrow: string;
    readonly verify: string | null;
  };
  /** Highest migration of the PostgreSQL database; null where the set has none. */
  readonly migration: number | null;
  readonly images: Readonly<Record<string, string>>;
  readonly parts: readonly Part[];
  /** Variables of `.env` whose files could not be read and are not in the set; absent where none is missing. */
  readonly missing?: readonly string[] | undefined;
}

/** One time that a set was proven; `tables` is how many were compared. */
export interface Proof {
  readonly at: string;
  readonly how: 'written' | 'read' | 'restored';
  readonly seconds: number;
  readonly tables: number;
  readonly manifest_sha256: string;
}

const shape = /^\d{8}T\d{6}Z-[a-z0-9]{4}$/;

/** True for the name of a set: its UTC time and four letters. */
export function isSetId(text: string): boolean {
  return shape.test(text);
}

/** The name of a set that begins now. */
export function setIdAt(now: Date, letters: string): string {
  return `${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${letters}`;
}

/** A table that has fewer rows than in the set before than can be believed. */
export interface Shrunk {
  readonly database: string;
  readonly table: string;
  readonly was: number;
  readonly is: number;
}

interface Band {
  /** Percent of the rows that may be gone. */
  readonly percent: number;
  /** Tables that had fewer rows are not looked at. */
  readonly least: number;
}

/** What comes and goes by the day, and is not missed: Postal's raw tables and our partitions of bodies. */
const daily = /^(raw-\d{4}-\d\d-\d\d|bodies_.*)$/;

/** Tables that shrank beyond the band or are gone. */
export function shrunk(
  was: readonly TableRows[],
  is: readonly TableRows[],
  { percent, least }: Band,
): readonly Shrunk[] {
  const now = new Map(is.map((row) => [`${row.database}.${row.table}`, row.rows]));
  return was
    .filter(({ table, rows }) => rows >= least && !daily.test(table))
    .map((row) => ({ ...row, was: row.rows, is: now.get(`${row.database}.${row.table}`) ?? 0 }))
    .filter((row) => row.is < row.was * (1 - percent / 100))
    .map(({ database, table, was: before, is: left }) => ({ database, table, was: before, is: left }));
}
