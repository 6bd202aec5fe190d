import { createHash } from 'node:crypto';

import type { EventDetail, EventKind } from './event.ts';

/** One thing that happened to one recipient, whoever tells of it. */
export interface Occurrence {
  readonly kind: EventKind;
  readonly at: Date;
  readonly detail: EventDetail;
}

/** A row of Postal's databases that shows that something happened. */
export interface Happening extends Occurrence {
  /** Table and id. */
  readonly name: string;
  /** False for what Postal never tells by webhook. */
  readonly hasWebhook: boolean;
}

/** An event that is recorded. */
export interface KnownEvent extends Occurrence {
  readonly uuid: string;
  /** The row it was made from while its webhook was missing; null for what a webhook told. */
  readonly derivedFrom: string | null;
}

/** A webhook that Postal will not send again, and of which its history keeps the uuid. */
export interface KeptWebhook extends Occurrence {
  readonly uuid: string;
}

/** What is known about one recipient from all sides. */
export interface Evidence {
  readonly happenings: readonly Happening[];
  readonly known: readonly KnownEvent[];
  readonly kept: readonly KeptWebhook[];
  /** Kinds of events that Postal's queue of webhooks still holds for it. */
  readonly queued: ReadonlySet<EventKind>;
  /** What happened before this and is in no history and no queue will never be told. */
  readonly silentBefore: Date;
}

/** An event that nobody told and nobody will. */
export interface Missing {
  readonly happening: Happening;
  /** Of the webhook that Postal gave up; undefined when it keeps none. */
  readonly uuid: string | undefined;
}

/** What to record, and what to look at again because its webhook may still come. */
export interface Findings {
  readonly missing: readonly Missing[];
  readonly expected: readonly Happening[];
}

/** Compares what happened with what is known of it. */
export function compare({ happenings, known, kept, queued, silentBefore }: Evidence): Findings {
  const told = pair(happenings, known);
  const open = happenings.filter((happening) => !told.has(happening));
  const uuids = new Set(known.map(({ uuid }) => uuid));
  const unheard = kept.filter(({ uuid }) => !uuids.has(uuid));
  const webhooks = pair(
    open.filter(({ hasWebhook }) => hasWebhook),
    unheard,
  );
  const missing: Missing[] = [];
  const expected: Happening[] = [];
  for (const happening of open) {
    const webhook = webhooks.get(happening);
    if (webhook || !happening.hasWebhook) missing.push({ happening, uuid: webhook?.uuid });
    else if (queued.has(happening.kind)) expected.push(happening);
    else if (happening.at < silentBefore) missing.push({ happening, uuid: undefined });
  }
  return { missing, expected };
}

/** Which derived events give way to what webhooks tell now: the derived ones by what replaces them. */
export function givingWay<D extends KnownEvent, T extends Occurrence>(
  derived: readonly D[],
  told: readonly T[],
): ReadonlyMap<T, D> {
  const happenings = derived.map((event) => ({ ...event, event }));
  return new Map([...pair(happenings, told)].map(([{ event }, one]) => [one, event]));
}

/** The uuid of a derived event: the same whoever derives it, and no webhook's. `server` and `token` name the copy for ever. */
export function derivedUuid(server: number, token: string, name: string): string {
  const hex = createHash('sha256').update(`${server} ${token} ${name}`).digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
  ];
  return [...parts, hex.slice(20, 32)].join('-');
}

interface Telling extends Occurrence {
  readonly derivedFrom?: string | null;
}

/** Pairs rows with those who tell of them, one with one. A derived event belongs to its row; a visit is told a little after it. */
function pair<H extends Occurrence & { readonly name?: string }, T extends Telling>(
  happenings: readonly H[],
  tellings: readonly T[],
): ReadonlyMap<H, T> {
  const pairs = new Map<H, T>();
  const byRow = (one: T) => one.derivedFrom != null;
  const inTurn = [
    ...tellings.filter(byRow),
    ...tellings.filter((one) => !byRow(one)).toSorted((one, other) => one.at.getTime() - other.at.getTime()),
  ];
  for (const telling of inTurn) {
    const free = happenings.filter((happening) => !pairs.has(happening) && isToldBy(happening, telling));
    const nearest = free.toSorted((one, other) => other.at.getTime() - one.at.getTime())[0];
    if (nearest) pairs.set(nearest, telling);
  }
  return pairs;
}

/** Postal writes a time as a float in its webhook and as a decimal in its row: the milliseconds may differ by one. */
const rounding = 1;

function isToldBy(happening: Occurrence & { readonly name?: string }, telling: Telling): boolean {
  if (identity(happening) !== identity(telling)) return false;
  if (telling.derivedFrom != null) return telling.derivedFrom === happening.name;
  const afterwards = telling.at.getTime() - happening.at.getTime();
  if (telling.kind === 'bounced') return true;
  if (isVisit(telling.kind)) return afterwards >= -rounding;
  return Math.abs(afterwards) <= rounding;
}

function isVisit(kind: EventKind): boolean {
  return kind === 'opened' || kind === 'clicked';
}

/** What two tellings of the same thing surely have in common: the copy, the kind, and who came or what bounced. */
function identity({ kind, detail }: Occurrence): string {
  const facts = ['postal_id', 'postal_token', 'bounce_postal_id', 'ip_address', 'user_agent', 'url'];
  return JSON.stringify([kind, ...facts.map((fact) => detail[fact] ?? null)]);
}
