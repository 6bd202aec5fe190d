import { acceptMail, type Accepted, type Mail } from './accept.ts';
import { type ApiAnswer, failure, success } from './api-answers.ts';
import type { FaultKind, Occasion } from './faults.ts';
import type { MessageRow } from './messages.ts';
import type { Office } from './office.ts';

/** Faults that answer before anything is stored. */
const instead: Readonly<Partial<Record<FaultKind, ApiAnswer>>> = {
  'dropped-before': { status: 'dropped' },
  'server-error': { status: 'broken' },
  'server-suspended': failure('ServerSuspended'),
};

/** Stores a mail whose sender was found good, and answers with its rows; faults come in here. */
export async function send(
  office: Office,
  path: string,
  mail: Mail & { domain: string },
): Promise<ApiAnswer> {
  const occasion: Occasion = { path, mailFrom: mail.mailFrom, rcptTo: mail.rcptTo };
  const early = answerInstead(office, occasion);
  if (early) return early;
  const answer = answerTo(await acceptMail(office, mail, mail.domain));
  if (office.faults.take('dropped-after', occasion)) return { status: 'dropped' };
  const slow = office.faults.take('slow-answer', occasion);
  return slow && 'data' in answer ? { ...answer, delayMs: slow.ms ?? 60_000 } : answer;
}

function answerInstead(office: Office, occasion: Occasion): ApiAnswer | undefined {
  for (const kind of ['dropped-before', 'server-error', 'server-suspended'] as const)
    if (office.faults.take(kind, occasion)) return instead[kind];
  return undefined;
}

function answerTo(accepted: Accepted): ApiAnswer {
  if (accepted.kind === 'killed') return { status: 'dropped' };
  if (accepted.kind === 'too-long') return { status: 'broken' };
  return success({
    message_id: accepted.rows[0]?.messageId ?? null,
    messages: Object.fromEntries(accepted.rows.map((row) => [row.rcptTo, idAndToken(row)])),
  });
}

function idAndToken({ id, token }: MessageRow) {
  return { id, token };
}
