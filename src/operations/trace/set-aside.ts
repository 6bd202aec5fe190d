import { headerValue, readHeaderSection } from '../../domain/header-section.ts';
import { isId } from '../../domain/id.ts';
import type { Submission } from '../../domain/submission.ts';
import { decodeSubmission } from '../../domain/submission-codec.ts';
import type { Disk } from '../../adapters/disk.ts';
import { listRequeued, listSetAside, readSetAside, type SetAsideRecord } from '../../upkeep/set-aside.ts';
import type { FoundTrace, Stuck } from './report.ts';

/**
 * The newest messages with this id, this Message-ID or this recipient that the relay accepted and the api refused, as its journal
 * knows them, at most `limit`, newest first; none where this machine has no journal that may be read.
 */
export async function traceSetAside(
  { disk, directory }: JournalFiles,
  text: string,
  limit: number,
): Promise<readonly FoundTrace[]> {
  const traces: FoundTrace[] = [];
  for (const name of await namesOf({ disk, directory }, text)) {
    const found = await unlessOutOfReach(readSetAside(disk, directory, name), undefined);
    const decoded = found && decodeSubmission(found.payload);
    if (found && decoded?.ok && isMeant(decoded.submission, text))
      traces.push(traceOf(found, decoded.submission, text));
    if (traces.length === limit) break;
  }
  return traces;
}

interface JournalFiles {
  readonly disk: Disk;
  readonly directory: string;
}

/** Names are ids, and so sort by time. */
async function namesOf({ disk, directory }: JournalFiles, text: string): Promise<readonly string[]> {
  if (isId('msg', text)) return [text];
  const lists = [listSetAside(disk, directory), listRequeued(disk, directory)];
  return (await unlessOutOfReach(Promise.all(lists), [])).flat().toSorted().toReversed();
}

function isMeant({ id, envelope, raw }: Submission, text: string): boolean {
  const isTo = envelope.rcptTo.some((address) => isSame(address, text));
  return id === text || isTo || messageIdOf(raw) === bare(text);
}

function traceOf(found: SetAsideRecord, submission: Submission, text: string): FoundTrace {
  const { reason, refusedAt } = found.entry;
  const received = submission.receivedAt.toISOString();
  const { client, credentialId, envelope, raw } = submission;
  const facts = {
    ...client,
    credential_id: credentialId,
    mail_from: envelope.mailFrom,
    size_bytes: raw.length,
  };
  return {
    message: shown(submission, text),
    timeline: [
      { at: received, hop: 'relay', event: 'received', recipient: null, detail: facts },
      { at: refusedAt, hop: 'api', event: 'refused', recipient: null, detail: { reason } },
    ],
    stuck: stuckAside(submission.id, found),
    others: [],
  };
}

function shown({ id, receivedAt, envelope, raw }: Submission, text: string): FoundTrace['message'] {
  const asked = envelope.rcptTo.filter((address) => isSame(address, text));
  return {
    id,
    aliases: [],
    state: 'refused',
    received_at: receivedAt.toISOString(),
    mail_from: envelope.mailFrom,
    header_message_id: messageIdOf(raw) ?? null,
    subject: headerValue(readHeaderSection(raw), 'subject') ?? null,
    campaign: null,
    attempts: 0,
    next_attempt_at: null,
    recipients: (asked.length > 0 ? asked : envelope.rcptTo).map((address) => ({
      address,
      state: 'refused',
      detail: null,
      postal_id: null,
      opens: 0,
      clicks: 0,
    })),
  };
}

function stuckAside(id: string, { entry, isRequeued }: SetAsideRecord): Stuck {
  if (isRequeued)
    return {
      hop: 'relay',
      why: `it was handed back to the relay, which ships it once more (the api had refused it: ${entry.reason})`,
      command: null,
    };
  const why = `the api refused it for good: ${entry.reason}; the relay keeps it`;
  return { hop: 'api', why, command: `mailctl journal requeue ${id}` };
}

function messageIdOf(raw: Submission['raw']): string | undefined {
  const value = headerValue(readHeaderSection(raw), 'message-id');
  return value === undefined ? undefined : bare(value.trim());
}

function bare(text: string): string {
  return text.replace(/^<(.*)>$/, '$1');
}

function isSame(address: string, text: string): boolean {
  return address.toLowerCase() === text.toLowerCase();
}

/** The journal may be on another machine, or another user's; and the relay takes in what was handed back at any moment. */
async function unlessOutOfReach<T>(work: Promise<T>, otherwise: T): Promise<T> {
  return work.catch((cause: unknown) => {
    if (!isOutOfReach(cause)) throw cause;
    return otherwise;
  });
}

function isOutOfReach(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(code);
}
