import { readCsv, writeCsv } from './csv.ts';
import { hasControls, isAddress } from './mailbox.ts';
import {
  isSuppressionReason,
  longestEvidence,
  longestScope,
  type Suppression,
  suppressionReasons,
} from './suppression.ts';
import { parseTime } from './time.ts';

/** The columns of a list, in the order of an export. */
const columns = ['address', 'scope', 'reason', 'evidence', 'expires_at'] as const;

type Column = (typeof columns)[number];

/** A suppression as it is written down, with blanks for what is not said. */
export type WrittenSuppression = Readonly<Partial<Record<Column, string>>>;

/** What became of reading: the value, or what is wrong with which field. */
export type ReadSuppression =
  | { readonly ok: true; readonly suppression: Suppression }
  | { readonly ok: false; readonly field: Column; readonly why: string };

/** The whole list, or the first record that is wrong; records count from 1, with the line of column names. */
export type ReadList =
  | { readonly ok: true; readonly suppressions: readonly Suppression[] }
  | { readonly ok: false; readonly record: number; readonly why: string };

/** The first line of an export, and of an import where it names columns. */
export const suppressionListHeader = writeCsv(columns);

/** One record of an export. */
export function suppressionRecord({ address, scope, reason, evidence, expiresAt }: Suppression): string {
  return writeCsv([address, scope, reason, evidence, expiresAt?.toISOString() ?? '']);
}

/** Reads text/csv with or without a line of column names; without one, the columns are in the order of an export. */
export function readSuppressionList(text: string): ReadList {
  const records = readCsv(text);
  const named = namesIn(records[0] ?? []);
  const unknown = named?.find((name) => !isColumn(name));
  if (unknown !== undefined)
    return { ok: false, record: 1, why: `the column names must be among ${columns.join(', ')}` };
  const suppressions: Suppression[] = [];
  for (const [place, record] of records.entries()) {
    if (named && place === 0) continue;
    const names = named ?? columns;
    if (record.slice(names.length).some((value) => value !== ''))
      return { ok: false, record: place + 1, why: `has more than ${names.length} fields` };
    const read = readSuppression(writtenIn(record, names));
    if (!read.ok) return { ok: false, record: place + 1, why: `${read.field} ${read.why}` };
    suppressions.push(read.suppression);
  }
  return { ok: true, suppressions };
}

/** Reads one suppression; nothing but its address must be said. */
export function readSuppression(written: WrittenSuppression): ReadSuppression {
  for (const field of columns) {
    const why = rules[field](written[field] ?? '');
    if (why !== undefined) return { ok: false, field, why };
  }
  const { address = '', scope = '', reason = '', evidence = '', expires_at = '' } = written;
  return {
    ok: true,
    suppression: {
      address: address.toLowerCase(),
      scope,
      reason: isSuppressionReason(reason) ? reason : 'manual',
      evidence,
      expiresAt: parseTime(expires_at),
    },
  };
}

/** What is wrong with the text of a field; undefined when nothing is. */
const rules: Readonly<Record<Column, (text: string) => string | undefined>> = {
  address: (text) => (isAddress(text) ? undefined : 'is no mail address'),
  scope: (text) => {
    if (text.length > longestScope) return `is longer than ${longestScope} characters`;
    return hasControls(text) ? 'holds a control character' : undefined;
  },
  reason: (text) =>
    text === '' || isSuppressionReason(text) ? undefined : `must be one of ${suppressionReasons.join(', ')}`,
  evidence: (text) => {
    if (text.length > longestEvidence) return `is longer than ${longestEvidence} characters`;
    return text.includes('\u0000') ? 'holds a NUL' : undefined;
  },
  expires_at: (text) =>
    text === '' || parseTime(text) ? undefined : 'is no time such as 2026-01-31T12:00:00Z',
};

function namesIn(record: readonly string[]): readonly string[] | undefined {
  const names = record.map((name) => name.toLowerCase());
  return names.includes('address') ? names : undefined;
}

function writtenIn(record: readonly string[], names: readonly string[]): WrittenSuppression {
  return Object.fromEntries(names.map((name, place) => [name, record[place] ?? '']));
}

function isColumn(name: string): name is Column {
  return columns.some((column) => column === name);
}
