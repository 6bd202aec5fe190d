import { readCsv, writeCsv } from '../../domain/csv.ts';
import type { Suppression } from '../../domain/suppression.ts';
import type { StoredSuppression } from '../../store/suppressions.ts';
import { newSuppression } from './contracts/suppression.ts';
import { ApiProblem } from './problem.ts';
import { validated } from './validation.ts';

const columns = ['address', 'scope', 'reason', 'evidence', 'expires_at'];

/** The first line of an export, and of an import where it names columns. */
export const csvHeader = writeCsv(columns);

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads a list with or without a line of column names; without one, the columns are in the order of an export. Refuses it whole, naming the record. */
export function readSuppressions(octets: Uint8Array): readonly Suppression[] {
  const records = readCsv(decoded(octets));
  const named = records[0]?.map((name) => name.toLowerCase());
  const names = named?.includes('address') ? named : undefined;
  const unknown = names?.find((name) => !columns.includes(name));
  if (unknown !== undefined)
    throw new ApiProblem('invalid-field', `The column names must be among ${columns.join(', ')}`, {
      field: 'record 1',
    });
  return records
    .slice(names ? 1 : 0)
    .map((record, place) => readOne(record, names ?? columns, place + (names ? 2 : 1)));
}

/** One record of an export. */
export function suppressionRecord({
  address,
  scope,
  reason,
  evidence,
  expiresAt,
}: StoredSuppression): string {
  return writeCsv([address, scope, reason, evidence, expiresAt?.toISOString() ?? '']);
}

function decoded(octets: Uint8Array): string {
  try {
    return utf8.decode(octets);
  } catch (cause) {
    throw new ApiProblem('invalid-encoding', 'The list is not valid UTF-8', { cause });
  }
}

function readOne(record: readonly string[], names: readonly string[], number: number): Suppression {
  const given = names.flatMap((name, place) => {
    const value = record[place] ?? '';
    return value === '' ? [] : [[name, value] as const];
  });
  try {
    const { expires_at: expiresAt, ...rest } = validated(newSuppression, Object.fromEntries(given));
    return { ...rest, expiresAt };
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error;
    throw new ApiProblem('invalid-field', `Record ${number}: ${error.message}; nothing was imported`, {
      field: `record ${number}`,
      cause: error,
    });
  }
}
