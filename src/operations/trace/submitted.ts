import { headerValue, readHeaderSection } from '../../domain/header-section.ts';
import type { Submission } from '../../domain/submission.ts';
import type { Entry, FoundTrace } from './report.ts';

/** True for a submission with this id, this Message-ID (in angle brackets or not) or this recipient. */
export function isMeant({ id, envelope, raw }: Submission, text: string): boolean {
  const isTo = envelope.rcptTo.some((address) => isSame(address, text));
  return id === text || isTo || messageIdOf(raw) === bare(text);
}

/** That the relay took it, as the first line of its timeline. */
export function receivedEntry(submission: Submission): Entry {
  const { receivedAt, client, credentialId, envelope, raw } = submission;
  const facts = {
    ...client,
    credential_id: credentialId,
    mail_from: envelope.mailFrom,
    size_bytes: raw.length,
  };
  return { at: receivedAt.toISOString(), hop: 'relay', event: 'received', recipient: null, detail: facts };
}

/** A submission that is not stored, in a state of the relay's; of an address that was asked for this recipient alone. */
export function shownSubmission(
  { id, receivedAt, envelope, raw }: Submission,
  { text, state }: { readonly text: string; readonly state: 'refused' | 'waiting' },
): FoundTrace['message'] {
  const asked = envelope.rcptTo.filter((address) => isSame(address, text));
  return {
    id,
    aliases: [],
    state,
    received_at: receivedAt.toISOString(),
    mail_from: envelope.mailFrom,
    header_message_id: messageIdOf(raw) ?? null,
    subject: headerValue(readHeaderSection(raw), 'subject') ?? null,
    campaign: null,
    attempts: 0,
    next_attempt_at: null,
    recipients: (asked.length > 0 ? asked : envelope.rcptTo).map((address) => ({
      address,
      state,
      detail: null,
      postal_id: null,
      opens: 0,
      clicks: 0,
    })),
  };
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
