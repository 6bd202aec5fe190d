import type { Clock } from '../../adapters/clock.ts';
import type { Log } from '../../adapters/log.ts';
import type { Id } from '../../domain/id.ts';
import type { ClaimedDomains } from '../../domain/sender-domains.ts';
import type { Envelope } from '../../domain/submission.ts';
import type { Soon } from './answers.ts';
import type { Body } from './body.ts';
import type { Accepted } from './journal/journal.ts';
import { type Digests, digestsOf, type ReceivedData } from './digests.ts';
import { type Prepared, prepareMessage } from './prepare.ts';
import type { Named, RecentMessages } from './recent-messages.ts';
import { replyText, type Said } from './replies.ts';
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
  keep(submission: Accepted): Promise<Kept>;
  /** Why Postal would not take a message of these domains; known at once where nothing speaks against it. */
  refusalOfSenders(claimed: ClaimedDomains): Soon<Said | undefined>;
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
  const beginning = body.head(maxHeaderBytes + 4);
  const head = beginning instanceof Promise ? await beginning : beginning;
  const { senderDomains } = credential;
  const traced = tracesClient ? origin : undefined;
  const reception = { id, at, hostname, secure, client: traced, senderDomains, maxHeaderBytes };
  const prepared = prepareMessage(head, reception);
  if (!prepared.ok) return { outcome: 'refused', said: prepared.said };
  const { top, from } = prepared;
  const raw = body.assemble(top, from);
  const data = { header: head.subarray(0, from), raw, from: top.length };
  const naming = nameOf(prepared, ask, data);
  const named = naming instanceof Promise ? await naming : naming;
  const submission: Accepted = {
    id,
    receivedAt: at,
    source: 'smtp',
    credentialId: credential.id,
    envelope,
    client: origin,
    ...(named && { dedupe: named.dedupe }),
    raw,
  };
  const known = answerKnown(world, named, submission);
  if (known) return known;
  const soon = world.refusalOfSenders(prepared.claimed);
  const said = soon instanceof Promise ? await soon : soon;
  return said === undefined ? await keepNew(world, named, submission) : refuseSender(world, said, submission);
}

/** Only of what is new: a domain may have been taken away since its message was accepted. */
function refuseSender({ log }: Acceptance, said: Said, { id, credentialId }: Accepted): StoreAnswer {
  const line = { message_id: id, credential: credentialId, reply: replyText(said).trim() };
  log.info('not accepted: Postal would not take its sender', line);
  return { outcome: 'refused', said };
}

/** The client never saw our 250, or uses one key for two messages. */
function answerKnown(world: Acceptance, named: Named | undefined, { id }: Accepted): StoreAnswer | undefined {
  const known = named && world.recent.find(named);
  if (!known) return undefined;
  if (known === 'other-body') return { outcome: 'refused', said: 'keyUsedOtherwise' };
  world.log.info('sent again, already accepted', { message_id: known.first, second_id: id });
  return { outcome: 'stored', id: known.first };
}

async function keepNew(
  { keep, recent, log }: Acceptance,
  named: Named | undefined,
  submission: Accepted,
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
  data: ReceivedData,
): Soon<Named | undefined> {
  const key = idempotencyKey ?? messageId;
  if (key === undefined) return undefined;
  const who = whoToWhom(credential.id, envelope);
  const named = ({ whole, body }: Digests): Named => {
    const explicit = body && { key, body };
    return { dedupe: { key, digest: whole }, credentialId: credential.id, explicit };
  };
  const digests = digestsOf(who, data, idempotencyKey !== undefined);
  return digests instanceof Promise ? digests.then(named) : named(digests);
}

/** Who sends to whom, each part behind its length; the DATA octets, exactly as they were received, come after it. */
function whoToWhom(credentialId: string, envelope: Envelope): string {
  const parts = [credentialId, envelope.mailFrom, ...envelope.rcptTo.toSorted()];
  const who = parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('');
  return `${who}${envelope.rcptTo.length};`;
}
