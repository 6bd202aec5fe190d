import { headerValue, readHeaderSection } from '../../domain/header-section.ts';
import type { Submission } from '../../domain/submission.ts';
import { decodeSubmission } from '../../domain/submission-codec.ts';
import type { Disk } from '../../adapters/disk.ts';
import { readSetAside, type SetAsideRecord } from '../../upkeep/set-aside.ts';
import type { Stuck, Trace } from './report.ts';

/** A message that the relay accepted and the api refused, as its journal knows it; undefined where this machine has none of this id. */
export async function traceSetAside(disk: Disk, directory: string, id: string): Promise<Trace | undefined> {
  const found = await readSetAside(disk, directory, id).catch((cause: unknown) => {
    if (!isOutOfReach(cause)) throw cause;
    return undefined;
  });
  const decoded = found && decodeSubmission(found.payload);
  if (!found || !decoded?.ok) return undefined;
  const { submission } = decoded;
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
    message: shown(submission),
    timeline: [
      { at: received, hop: 'relay', event: 'received', recipient: null, detail: facts },
      { at: refusedAt, hop: 'api', event: 'refused', recipient: null, detail: { reason } },
    ],
    stuck: stuckAside(id, found),
    others: [],
  };
}

function shown({ id, receivedAt, envelope, raw }: Submission): Trace['message'] {
  const fields = readHeaderSection(raw);
  return {
    id,
    aliases: [],
    state: 'refused',
    received_at: receivedAt.toISOString(),
    mail_from: envelope.mailFrom,
    header_message_id: headerValue(fields, 'message-id')?.replace(/^<(.*)>$/, '$1') ?? null,
    subject: headerValue(fields, 'subject') ?? null,
    campaign: null,
    attempts: 0,
    next_attempt_at: null,
    recipients: envelope.rcptTo.map((address) => ({
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

/** The journal may be on another machine, or another user's. */
function isOutOfReach(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(code);
}
