import { OperatorError } from '../../domain/failure.ts';
import { headerValue, readHeaderSection } from '../../domain/header-section.ts';
import { decodeSubmission } from '../../domain/submission-codec.ts';
import { listDamaged } from '../../upkeep/damaged-records.ts';
import { readSetAside } from '../../upkeep/set-aside.ts';
import { type JournalFiles, listRecords, type ShownRecord } from './records.ts';

/** The message of a record, as far as its octets can be read. Times are ISO 8601. */
export interface RecordedMessage {
  readonly received_at: string;
  readonly source: string;
  readonly credential_id: string;
  readonly client: { readonly name: string; readonly address: string };
  readonly mail_from: string;
  readonly rcpt_to: readonly string[];
  readonly header_message_id: string | null;
  readonly subject: string | null;
  readonly size_bytes: number;
}

export interface ShownRecordWhole extends ShownRecord {
  /** Null where the octets are no message that can be read. */
  readonly message: RecordedMessage | null;
  /** The file of the octets, where they are damaged. */
  readonly path: string | null;
}

/** The records that are kept aside. */
export async function showRecords(
  files: JournalFiles,
): Promise<{ readonly records: readonly ShownRecord[] }> {
  return { records: await listRecords(files) };
}

/** One record with its message. Throws `usage` when there is none of this id. */
export async function showRecord(
  files: JournalFiles,
  id: string,
): Promise<{ readonly record: ShownRecordWhole }> {
  const record = requireRecord(await listRecords(files), id);
  const [found, damaged] = await Promise.all([
    readSetAside(files.disk, files.directory, id),
    listDamaged(files.disk, files.directory),
  ]);
  const path = damaged.find(({ name }) => name === id)?.path ?? null;
  return { record: { ...record, message: found ? messageIn(found.payload) : null, path } };
}

/** The record of this id. Throws `usage` when there is none. */
export function requireRecord(records: readonly ShownRecord[], id: string): ShownRecord {
  const record = records.find((one) => one.id === id);
  if (record) return record;
  throw new OperatorError('usage', `the relay keeps no record ${id} aside`, {
    hint: 'See which there are: mailctl journal list',
    field: 'id',
  });
}

function messageIn(payload: Buffer): RecordedMessage | null {
  const decoded = decodeSubmission(payload);
  if (!decoded.ok) return null;
  const { receivedAt, source, credentialId, client, envelope, raw } = decoded.submission;
  const fields = readHeaderSection(raw);
  return {
    received_at: receivedAt.toISOString(),
    source,
    credential_id: credentialId,
    client,
    mail_from: envelope.mailFrom,
    rcpt_to: envelope.rcptTo,
    header_message_id: headerValue(fields, 'message-id')?.replace(/^<(.*)>$/, '$1') ?? null,
    subject: headerValue(fields, 'subject') ?? null,
    size_bytes: raw.length,
  };
}
