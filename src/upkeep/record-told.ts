import type { Database } from '../adapters/postgres.ts';
import { withClass } from '../domain/bounce.ts';
import { type Event, standing } from '../domain/event.ts';
import type { Id } from '../domain/id.ts';
import { type PostalMessage, postalKeyOf } from '../domain/postal-event.ts';
import { givingWay } from '../domain/reconciliation.ts';
import {
  confirmEvents,
  derivedOf,
  type EventOwner,
  knownUuids,
  ownerKey,
  recordEvents,
  type ToldDetail,
  toldOf,
} from '../store/events.ts';
import { closeSettled } from '../store/queue.ts';
import { applyStandings, lockByPostalNames, type PostalRecipient } from '../store/recipients.ts';
import { drawConsequences, type FailureRules } from './suppress.ts';

/** Recipients of ours, as Postal's messages name them. */
export interface Owners {
  find(message: PostalMessage): PostalRecipient | undefined;
}

/**
 * Finds recipients by our key and the exact address, else by our key and Postal's own name for the copy. Their messages are locked until
 * the transaction `within` ends.
 */
export async function ownersOf(
  within: Database,
  messages: readonly PostalMessage[],
  find: typeof lockByPostalNames = lockByPostalNames,
): Promise<Owners> {
  if (messages.length === 0) return { find: () => undefined };
  const rows = await find(within, {
    keys: messages.flatMap((message) => postalKeyOf(message) ?? []),
    addresses: messages.flatMap(({ to }) => to ?? []),
    ids: messages.map(({ id }) => id),
  });
  const byAddress = new Map(rows.map((row) => [`${row.postalKey} ${row.address}`, row]));
  const byName = new Map(rows.map((row) => [`${row.postalKey} ${row.postalId} ${row.postalToken}`, row]));
  return {
    find: (message) => {
      const key = postalKeyOf(message);
      return byAddress.get(`${key} ${message.to}`) ?? byName.get(`${key} ${message.id} ${message.token}`);
    },
  };
}

/** An event that Postal tells of, with the recipient it concerns. */
export interface ToldEvent {
  readonly owner: PostalRecipient;
  readonly event: Event & { readonly postalUuid: string };
}

/** What follows from events: whom to tell, and whom to keep mail from. */
export interface TellingRules extends FailureRules {
  readonly newDeliveryId: () => Id<'whd'>;
}

/**
 * Records what Postal tells and folds each recipient it concerns anew; what had been derived because nobody told of it becomes what is
 * told now. Runs inside the transaction `within`, after `ownersOf`. Returns the uuids that were new to us.
 */
export async function recordTold(
  within: Database,
  given: readonly ToldEvent[],
  rules: TellingRules,
): Promise<ReadonlySet<string>> {
  const told = given.map((one) => ({ ...one, event: { ...one.event, detail: withClass(one.event).detail } }));
  const owners = distinct(told.map(({ owner }) => owner));
  if (owners.length === 0) return new Set();
  const confirmed = await confirm(within, owners, told);
  const fresh = await recordEvents(
    within,
    told.filter(({ event }) => !confirmed.has(event.postalUuid)).map(({ event }) => event),
    rules.newDeliveryId,
  );
  const news = told.flatMap(({ event }) => (fresh.has(event.id) ? [event] : []));
  await drawConsequences(within, news, rules);
  await refold(within, owners);
  return new Set(news.map(({ postalUuid }) => postalUuid));
}

/** The uuids of those for which a derived event stood. */
async function confirm(
  within: Database,
  owners: readonly PostalRecipient[],
  told: readonly ToldEvent[],
): Promise<ReadonlySet<string>> {
  const derived = await derivedOf(within, owners.map(eventOwner));
  if (derived.size === 0) return new Set();
  const known = await knownUuids(
    within,
    told.map(({ event }) => event.postalUuid),
  );
  const isNews = ({ derivedFrom, postalUuid }: Event) => !derivedFrom && !known.has(postalUuid ?? '');
  const confirmations = [...derived].flatMap(([key, events]) => {
    const news = told.filter(({ owner, event }) => isNews(event) && ownerKey(eventOwner(owner)) === key);
    const replaced = givingWay(
      events,
      news.map(({ event }) => event),
    );
    return [...replaced].map(([{ postalUuid, at, detail }, { id }]) => ({ id, postalUuid, at, detail }));
  });
  await confirmEvents(within, confirmations);
  return new Set(confirmations.map(({ postalUuid }) => postalUuid));
}

function eventOwner({ messageId, address }: Owner): EventOwner {
  return { messageId, recipient: address };
}

function distinct(owners: readonly PostalRecipient[]): readonly PostalRecipient[] {
  return [...new Map(owners.map((owner) => [`${owner.messageId} ${owner.position}`, owner])).values()];
}

/** A recipient of one message. */
export type Owner = Pick<PostalRecipient, 'messageId' | 'position' | 'address'>;

/** Folds recipients anew from what Postal told of them. Their messages must be locked until the transaction `within` ends. */
export async function refold(within: Database, owners: readonly Owner[]): Promise<void> {
  const told = await toldOf(within, owners.map(eventOwner));
  await applyStandings(
    within,
    owners.map((owner) => standingOf(owner, told.get(ownerKey(eventOwner(owner))) ?? [])),
  );
  await closeSettled(within, [...new Set(owners.map(({ messageId }) => messageId))]);
}

function standingOf({ messageId, position }: Owner, told: readonly ToldDetail[]) {
  const { latest, opens, clicks } = standing(told);
  const detail = latest && (latest.detail['output'] || latest.detail['details']);
  return {
    messageId,
    position,
    state: latest?.state,
    detail: detail ? String(detail) : undefined,
    opens,
    clicks,
  };
}
