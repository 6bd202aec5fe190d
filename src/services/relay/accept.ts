import { createHash } from 'node:crypto';

import type { Clock } from '../../adapters/clock.ts';
import type { Log } from '../../adapters/log.ts';
import type { Id } from '../../domain/id.ts';
import type { Envelope, Submission } from '../../domain/submission.ts';
import type { Body } from './body.ts';
import { type Prepared, prepareMessage } from './prepare.ts';
import { digestOfOctets, type Named, type RecentMessages } from './recent-messages.ts';
import type { Ask, StoreAnswer } from './session.ts';

/** How a message was kept. `stored` is said only of what is on disk. */
export type Kept =
  | { readonly kind: 'stored' }
  | { readonly kind: 'full' }
  | { readonly kind: 'failed'; readonly why: string };

/** What accepting a message needs of the world. */
export interface Acceptance {
  readonly clock: Pick<Clock, 'now'>;
  newId(at: Date): Id<'msg'>;
  readonly log: Log;
  readonly hostname: string;
  /** Whether the trace names the client. */
  readonly tracesClient: boolean;
  readonly maxHeaderBytes: number;
  readonly recent: RecentMessages;
  keep(submission: Submission): Promise<Kept>;
}

type StoreAsk = Extract<Ask, { ask: 'store' }>;
type Fit = Extract<Prepared, { ok: true }>;

/** Prepares a received message and has it kept; refuses what Postal would refuse after we said 250. */
export async function acceptMessage(
  world: Acceptance,
  ask: StoreAsk,
  { body, address }: { readonly body: Body; readonly address: string },
): Promise<StoreAnswer> {
  const at = world.clock.now();
  const id = world.newId(at);
  const { credential, envelope, secure, client } = ask;
  const { hostname, maxHeaderBytes, tracesClient } = world;
  const origin = { name: client.name, address };
  const head = await body.head(maxHeaderBytes + 4);
  const reception = {
    id,
    at,
    hostname,
    secure,
    client: tracesClient ? origin : undefined,
    senderDomains: credential.senderDomains,
    maxHeaderBytes,
  };
  const prepared = prepareMessage(head, reception);
  if (!prepared.ok) return { outcome: 'refused', said: prepared.said };
  const { top, from } = prepared;
  const raw = await body.assemble(top, from);
  const named = nameOf(prepared, ask, [head.subarray(0, from), raw.subarray(top.length)]);
  const submission: Submission = {
    id,
    receivedAt: at,
    source: 'smtp',
    credentialId: credential.id,
    envelope,
    client: origin,
    ...(named && { dedupe: named.dedupe }),
    raw,
  };
  return answerKnown(world, named, submission) ?? keepNew(world, named, submission);
}

/** The client never saw our 250, or uses one key for two messages. */
function answerKnown(
  world: Acceptance,
  named: Named | undefined,
  { id }: Submission,
): StoreAnswer | undefined {
  const known = named && world.recent.find(named);
  if (!known) return undefined;
  if (known === 'other-body') return { outcome: 'refused', said: 'keyUsedOtherwise' };
  world.log.info('sent again, already accepted', { message_id: known.first, second_id: id });
  return { outcome: 'stored', id: known.first };
}

async function keepNew(
  { keep, recent, log }: Acceptance,
  named: Named | undefined,
  submission: Submission,
): Promise<StoreAnswer> {
  const { id, credentialId, raw } = submission;
  const line = { message_id: id, credential: credentialId, bytes: raw.length };
  const kept = await keep(submission);
  switch (kept.kind) {
    case 'stored':
      if (named) recent.note(named, id);
      log.info('accepted', line);
      return { outcome: 'stored', id };
    case 'full':
      log.warn('not accepted: the journal is full', line);
      return { outcome: 'refused', said: 'journalFull' };
    case 'failed':
      log.error('not accepted: the journal failed', { ...line, why: kept.why });
      return { outcome: 'refused', said: 'journalFailed' };
  }
}

function nameOf(
  { messageId, idempotencyKey }: Fit,
  { credential, envelope }: StoreAsk,
  octets: readonly Buffer[],
): Named | undefined {
  const key = idempotencyKey ?? messageId;
  if (key === undefined) return undefined;
  const digest = digestOf(credential.id, envelope, octets);
  const explicit = idempotencyKey === undefined ? undefined : { key, body: digestOfOctets(octets) };
  return { dedupe: { key, digest }, credentialId: credential.id, explicit };
}

/** Over who sent what to whom, exactly as it was received; each part behind its length. */
function digestOf(credentialId: string, envelope: Envelope, octets: readonly Buffer[]): Buffer {
  const parts = [credentialId, envelope.mailFrom, ...envelope.rcptTo.toSorted()];
  const who = parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('');
  const hash = createHash('sha256').update(`${who}${envelope.rcptTo.length};`);
  for (const part of octets) hash.update(part);
  return hash.digest();
}
