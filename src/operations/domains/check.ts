import type { Dns } from '../../adapters/dns.ts';
import { type DnsRecord, isPublished } from '../../domain/dns-record.ts';
import { anyAddress } from '../postal/dns-records.ts';

/** One record, and what was seen of it. `ok` and `seen` are null where nobody looked. */
export interface CheckedRecord {
  readonly type: string;
  readonly name: string;
  readonly expected: string;
  readonly seen: string | null;
  readonly ok: boolean | null;
  readonly optional: boolean;
  readonly why: string;
}

/** A record that was not looked for. */
export function unchecked({ type, name, value, why, optional }: DnsRecord): CheckedRecord {
  return { type, name, expected: value, seen: null, ok: null, optional: optional === true, why };
}

/** Looks for a record at every name server of its zone; it is right when each that answers has it. */
export async function checkRecord(dns: Dns, record: DnsRecord): Promise<CheckedRecord> {
  const asked = { ...unchecked(record) };
  try {
    const answers = await dns.ask(record.name, record.type);
    const wrong = answers.find(({ values }) => !isRight(record, values));
    const shown = wrong ?? answers[0];
    const values = relevant(record, shown?.values ?? []);
    const seen = values.join(' | ') || 'nothing';
    return {
      ...asked,
      ok: wrong === undefined,
      seen: wrong && answers.length > 1 ? `${seen} (${wrong.server})` : seen,
    };
  } catch (error) {
    return { ...asked, ok: false, seen: `no answer: ${error instanceof Error ? error.message : 'unknown'}` };
  }
}

function isRight(record: DnsRecord, values: readonly string[]): boolean {
  return record.value === anyAddress ? values.length > 0 : isPublished(record, values);
}

/** A name may have many texts: those of the same kind are the ones to compare. */
function relevant({ type, value }: DnsRecord, values: readonly string[]): readonly string[] {
  if (type !== 'TXT') return values;
  const kind = value.split(/[\s;]/)[0] ?? '';
  return values.filter((text) => text.startsWith(kind));
}

/** True when nothing that mail needs is wrong. */
export function allRight(records: readonly CheckedRecord[]): boolean {
  return records.every(({ ok, optional }) => ok !== false || optional);
}
