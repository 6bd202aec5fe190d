import type { ConfigOf } from '../../config/environment.ts';
import type { Found, QueuedRecipient, Settlement } from '../../domain/delivery.ts';
import type { ClaimedMessage } from '../../store/claim.ts';

/**
 * Looks up in Postal's own database what became of the recipients of one `mail_from`. Every asked recipient is in the answer; it
 * throws when the database cannot be asked.
 */
export type LookUp = (mailFrom: string, recipients: readonly string[]) => Promise<ReadonlyMap<string, Found>>;

/** Recipients of whom Postal may have a copy: an earlier hand-over had no clear answer, or they are of an earlier epoch. */
export function doubtful(message: ClaimedMessage): readonly QueuedRecipient[] {
  return message.recipients.filter(
    ({ state, isOfEarlierEpoch, isForgottenAtPostal }) =>
      state === 'sending' || state === 'uncertain' || isOfEarlierEpoch || isForgottenAtPostal,
  );
}

interface Question {
  readonly mailFrom: string;
  readonly recipients: readonly QueuedRecipient[];
  readonly policy: ConfigOf<'worker'>['POSTAL_UNCERTAIN_POLICY'];
  readonly lookUp: LookUp | undefined;
}

/** What becomes of doubts. */
export interface Decisions {
  readonly settlements: readonly Settlement[];
  /** Copies that Postal will never send, to be put on record before their recipients are sent to again. */
  readonly abandoned: readonly Settlement[];
}

/** Decides each doubt for itself: by look-up where Postal's database can be asked, else by policy. */
export async function decideDoubts({ mailFrom, recipients, policy, lookUp }: Question): Promise<Decisions> {
  if (!lookUp)
    return { settlements: recipients.map((recipient) => byPolicy(recipient, policy)), abandoned: [] };
  const found = await lookUp(
    mailFrom,
    recipients.map(({ address }) => address),
  );
  return {
    settlements: recipients.map((recipient) => byLookUp(recipient, found.get(recipient.address))),
    abandoned: recipients.flatMap((recipient) => abandon(recipient, found.get(recipient.address))),
  };
}

const tidiedAway =
  'Postal stored it longer ago than POSTAL_TIDY_AFTER and has it in no queue: a worker of its own may have died while it sent it, so it may have arrived or not; release it only if it has not';

function byPolicy(recipient: QueuedRecipient, policy: Question['policy']): Settlement {
  const { position, address, isOfEarlierEpoch } = recipient;
  if (policy === 'resend') return { position, address, state: 'queued', detail: '' };
  const why = isOfEarlierEpoch
    ? 'it is older than the restored database'
    : 'a hand-over ended without a clear answer';
  const detail = `${why}, so Postal may have it or not; release it only if it has not`;
  return { position, address, state: 'held', detail };
}

function byLookUp(
  { position, address, isForgottenAtPostal }: QueuedRecipient,
  found: Found | undefined,
): Settlement {
  if (!found) return { position, address, state: 'uncertain', detail: 'the look-up did not answer for it' };
  if (found.at === 'postal') return { position, address, state: 'accepted', name: found.name, detail: '' };
  if (isForgottenAtPostal) return { position, address, state: 'held', detail: forgotten };
  if (found.at === 'tidied') {
    // Postal has nothing of it that could be released there: without a name it is ours to release.
    const { id, token } = found.name;
    const facts = { tidied_postal_id: id, tidied_postal_token: token };
    return { position, address, state: 'held', detail: tidiedAway, facts };
  }
  return { position, address, state: 'queued', detail: '' };
}

const forgotten =
  'it was received before Postal was restored and came after that was agreed to, so Postal may have sent it; release it only if not';

function abandon(
  { position, address, isForgottenAtPostal }: QueuedRecipient,
  found: Found | undefined,
): readonly Settlement[] {
  if (found?.at !== 'orphan' || isForgottenAtPostal) return [];
  const { id, token } = found.name;
  const detail =
    'Postal stored a copy and died before it queued it; that copy is abandoned and another one sent';
  const facts = { abandoned_postal_id: id, abandoned_postal_token: token };
  return [{ position, address, state: 'uncertain', detail, facts }];
}
