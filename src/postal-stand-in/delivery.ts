import { bounceMail } from './bounce-mail.ts';
import { complainAbout } from './complaint-mail.ts';
import { dressMail } from './dress-mail.ts';
import type { FaultKind } from './faults.ts';
import { headerText, readHeaders } from './headers.ts';
import type { Delivery, DeliveryStatus, MessageRow } from './messages.ts';
import { note, type Office } from './office.ts';
import { exhausted, hardFailed, held, type Outcome, outcomeFor, softFailed } from './outcomes.ts';
import { deliveryPayload } from './webhook-payloads.ts';

const events: Readonly<Record<DeliveryStatus, string>> = {
  Sent: 'MessageSent',
  SoftFail: 'MessageDelayed',
  HardFail: 'MessageDeliveryFailed',
  Held: 'MessageHeld',
};

/** After this many temporary failures Postal gives up when the message's turn comes again. */
const mostAttempts = 18;
const firstRetryMs = 300_000;
const retryGrowth = 1.3;

/** Hard failures of an address after which Postal suppresses it. */
const hardFailsToSuppress = 2;

/** Delivery to the mailbox, with what it must remember between attempts. */
export interface Delivering {
  attempt(row: MessageRow): Promise<void>;
  reset(): void;
}

/** `retry` is called with a soft-failed message when its time has come. */
export function openDelivery(office: Office, retry: (row: MessageRow, afterMs: number) => void): Delivering {
  const hardFails = new Map<string, number>();
  let lastId = 0;

  const record = async (row: MessageRow, outcome: Outcome) => {
    lastId += 1;
    const { bounces, complains, ...words } = outcome;
    const delivery: Delivery = { ...words, id: lastId, timestamp: office.stamp() };
    row.deliveries.push(delivery);
    row.status = outcome.status;
    row.held = outcome.status === 'Held';
    row.queued = outcome.status === 'SoftFail';
    await office.world.ledger?.delivered(row, delivery);
    note(office, row, outcome.status, outcome.output || outcome.details);
    await office.raise({ event: events[outcome.status], row, payload: deliveryPayload(row, delivery) });
    if (bounces) await bounceMail(office, row);
    if (complains) complainAbout(office, row);
  };

  return {
    attempt: async (row) => {
      if (office.faults.take('delivery-withheld', occasionOf(row))) {
        note(office, row, 'Withheld', 'stays Pending, as behind a stale lock');
        return;
      }
      row.tag = headerText(readHeaders(row.raw), 'x-postal-tag');
      let outcome = decide(office, row, hardFails.get(row.rcptTo) ?? 0);
      if (outcome.status === 'HardFail') hardFails.set(row.rcptTo, hardFailsAfter(row, hardFails));
      if (outcome.status === 'Sent') {
        office.messages.keepDelivered(row, await dressMail(office, row));
        outcome = await carried(office, row, outcome);
      }
      await record(row, outcome);
      if (outcome.status === 'Sent') returnToRoute(office, row);
      if (outcome.status === 'SoftFail')
        retry(row, retryAfterMs(row.deliveries.length) / office.settings.speed);
    },
    reset: () => hardFails.clear(),
  };
}

/** Where there is an outside the recipient's own server decides. */
async function carried(office: Office, row: MessageRow, outcome: Outcome): Promise<Outcome> {
  const { outside } = office.world;
  const { delivered } = row;
  if (!outside || !delivered) return outcome;
  try {
    const mail = { from: delivered.envelopeFrom, to: row.rcptTo, raw: delivered.data };
    const { host, reply } = await outside.carry(mail);
    return { ...outcome, details: `Message for ${row.rcptTo} accepted by ${host}`, output: reply };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ...softFailed(row.rcptTo), output: why };
  }
}

/** Mail to an address that a route takes comes back in, as it went out. */
function returnToRoute(office: Office, row: MessageRow): void {
  if (row.delivered === undefined || office.registry.endpointFor(row.rcptTo) === undefined) return;
  const returned = office.messages.insert({
    direction: 'incoming',
    rcptTo: row.rcptTo,
    mailFrom: row.delivered.envelopeFrom,
    subject: row.subject,
    messageId: row.messageId,
    timestamp: office.stamp(),
    bounce: false,
    domain: row.domain,
    raw: row.delivered.data,
  });
  note(office, row, 'Returned', `a route took it as message ${returned.id}`);
  office.bring(returned);
}

const ordered: readonly (readonly [FaultKind, (address: string) => Outcome])[] = [
  ['delivery-451', softFailed],
  ['delivery-550', hardFailed],
];

function decide(office: Office, row: MessageRow, hardFails: number): Outcome {
  if (hardFails >= hardFailsToSuppress) return held(row.rcptTo);
  const fault = ordered.find(([kind]) => office.faults.take(kind, occasionOf(row)));
  const attempt = row.deliveries.length + 1;
  const outcome = fault ? fault[1](row.rcptTo) : outcomeFor(row.rcptTo, attempt);
  return outcome.status === 'SoftFail' && attempt > mostAttempts ? exhausted(mostAttempts) : outcome;
}

/** Giving up after the last attempt suppresses an address at once. */
function hardFailsAfter(row: MessageRow, hardFails: ReadonlyMap<string, number>): number {
  if (row.deliveries.length >= mostAttempts) return hardFailsToSuppress;
  return (hardFails.get(row.rcptTo) ?? 0) + 1;
}

function occasionOf(row: MessageRow) {
  return { mailFrom: row.mailFrom, rcptTo: [row.rcptTo] };
}

function retryAfterMs(attempts: number): number {
  return firstRetryMs * retryGrowth ** (attempts - 1);
}
