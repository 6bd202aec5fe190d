import type { Manifest, Part, Proof } from '../../domain/backup-set.ts';
import type { BackupSet } from './sets.ts';

/** A set in the form of the report. */
export interface ShownSet {
  readonly id: string;
  readonly created_at: string;
  readonly seconds: number;
  readonly bytes: number;
  readonly stores: readonly string[];
  readonly rows: number;
  /** Files that `.env` names and that are not in it, by variable. */
  readonly missing: readonly string[];
  readonly sealed: Manifest['encryption']['mode'];
  /** The strongest proof: restored, read or only written; with its time. */
  readonly proven: Pick<Proof, 'how' | 'at'> | null;
}

export interface ShownWhole extends ShownSet {
  readonly manifest: Manifest;
  readonly proofs: readonly Proof[];
}

const strength = ['written', 'read', 'restored'];

/** A set on one line. */
export function shownSet({ id, manifest, proofs }: BackupSet): ShownSet {
  const { created_at, seconds, parts, encryption } = manifest;
  const strongest = proofs.toSorted(
    (a, b) => strength.indexOf(b.how) - strength.indexOf(a.how) || (a.at < b.at ? 1 : -1),
  )[0];
  return {
    id,
    created_at,
    seconds,
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    stores: parts.map(({ kind }) => kind).filter((kind) => kind === 'postgres' || kind === 'mariadb'),
    rows: parts.reduce((sum, part) => sum + rowsOf(part), 0),
    missing: manifest.missing ?? [],
    sealed: encryption.mode,
    proven: strongest ? { how: strongest.how, at: strongest.at } : null,
  };
}

function rowsOf({ tables }: Part): number {
  return tables.reduce((sum, { rows }) => sum + rows, 0);
}

/** A set with all that its manifest says. */
export function shownWhole(set: BackupSet): ShownWhole {
  return { ...shownSet(set), manifest: set.manifest, proofs: set.proofs };
}
