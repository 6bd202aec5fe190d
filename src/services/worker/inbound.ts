import type { Database } from '../../adapters/postgres.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { complainedCopy } from '../../domain/complaint.ts';
import type { Event } from '../../domain/event.ts';
import { type FeedbackReport, readFeedbackReport } from '../../domain/feedback-report.ts';
import { longestEvidence } from '../../domain/suppression.ts';
import { recordEvents } from '../../store/events.ts';
import {
  copiesOf,
  lockInboundMail,
  postponeInboundMail,
  type SentCopy,
  settleInboundMail,
  type WaitingMail,
} from '../../store/inbound-mail.ts';
import { suppressFound } from '../../store/suppressions.ts';
import type { Work } from '../loop.ts';
import type { DigestResult, Figures } from './figures.ts';
import { isPoison } from './poison.ts';
import { freshId, type Room } from './room.ts';

/** What working out mail from Postal's routes needs. */
export interface InboundRoom extends Room {
  readonly config: Pick<
    ConfigOf<'worker'>,
    'INBOUND_COMPLAINTS' | 'INBOUND_PROBES' | 'WORKER_LEASE' | 'POSTAL_SETTLE_TIME' | 'WORKER_POLL_INTERVAL'
  >;
  readonly figures: Pick<Figures, 'digested'>;
}

/** What became of one mail; `why` is said where it is set aside for the operator. */
type Worked = { readonly result: DigestResult; readonly why?: string } | { readonly result: 'later' };

/** Works out mail that Postal's routes bring, one at a time: complaints silence their recipient, probes are kept. */
export function inboundDigestion(room: InboundRoom): Work {
  return {
    turn: async () => {
      const taken: { id?: string } = {};
      const worked = await workOutNext(room, taken).catch(async (error: unknown) => {
        if (taken.id === undefined || !isPoison(error)) throw error;
        room.log.error('mail of a route cannot be worked out; it is quarantined', { id: taken.id, error });
        const outcome = aside('it cannot be worked out');
        await settleInboundMail(room.db, taken.id, outcome.why);
        return outcome;
      });
      if (!worked || worked.result === 'later') return false;
      room.figures.digested('InboundMail', worked.result);
      return true;
    },
  };
}

function workOutNext(room: InboundRoom, taken: { id?: string }): Promise<Worked | undefined> {
  return room.db.transaction(async (within) => {
    const mail = await lockInboundMail(within);
    if (!mail) return undefined;
    taken.id = mail.id;
    const outcome = await workOut(room, within, mail);
    if (outcome.result === 'later')
      await postponeInboundMail(within, mail.id, room.config.WORKER_POLL_INTERVAL);
    else await settleInboundMail(within, mail.id, outcome.why);
    return outcome;
  });
}

async function workOut(room: InboundRoom, within: Database, mail: WaitingMail): Promise<Worked> {
  const { INBOUND_COMPLAINTS: complaints, INBOUND_PROBES: probes } = room.config;
  const purpose = localPartOf(mail.rcptTo);
  if (probes.includes(purpose)) return { result: 'recorded' };
  if (!complaints.includes(purpose)) return aside('nothing here takes mail for its address');
  const report = readFeedbackReport(mail.raw);
  if (!report) return aside('it is no complaint in the form of ARF (RFC 5965): read it yourself');
  if (report.kind === 'not-spam') return { result: 'ignored' };
  const copies = report.messageId === undefined ? [] : await copiesOf(within, report.messageId);
  const copy = complainedCopy(report, copies);
  if (!copy && mayBeNamedSoon(room, mail, copies)) return { result: 'later' };
  if (!copy) return aside('it does not show which recipient of which message of ours complained');
  await recordComplaint(room, within, { report, copy });
  return { result: 'recorded' };
}

/** A complaint may come before it is written down what Postal calls each copy. */
function mayBeNamedSoon(
  { config }: InboundRoom,
  { ageMs }: WaitingMail,
  copies: readonly SentCopy[],
): boolean {
  const settledMs = config.WORKER_LEASE + config.POSTAL_SETTLE_TIME;
  return ageMs < settledMs && copies.some(({ postalToken }) => postalToken === null);
}

interface Complaint {
  readonly report: FeedbackReport;
  readonly copy: SentCopy;
}

async function recordComplaint(
  room: InboundRoom,
  within: Database,
  { report, copy: { messageId, address } }: Complaint,
): Promise<void> {
  const kind = clean(report.kind || 'abuse');
  const reporter = clean(report.userAgent);
  const event: Event = {
    id: freshId(room, 'evt'),
    messageId,
    recipient: address,
    kind: 'complained',
    at: room.clock.now(),
    postalUuid: null,
    detail: { feedback_type: kind, reporter },
  };
  await recordEvents(within, [event], () => freshId(room, 'whd'));
  const evidence = `${kind} report by ${reporter || 'a provider'}, message ${messageId}`.slice(
    0,
    longestEvidence,
  );
  await suppressFound(within, [
    { address: address.toLowerCase(), scope: '', reason: 'complaint', evidence, expiresAt: undefined },
  ]);
}

function aside(why: string) {
  return { result: 'quarantined', why } as const;
}

/** Without what stands behind a plus sign, in lower case. */
function localPartOf(address: string): string {
  return address
    .slice(0, Math.max(0, address.lastIndexOf('@')))
    .replace(/\+.*$/, '')
    .toLowerCase();
}

/** PostgreSQL takes no NUL. */
function clean(text: string): string {
  return text.replaceAll('\u0000', '\uFFFD').slice(0, 200);
}
