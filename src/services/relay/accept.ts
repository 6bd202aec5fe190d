import { createHash } from 'node:crypto';

import type { Clock } from '../../adapters/clock.ts';
import type { Log } from '../../adapters/log.ts';
import type { Id } from '../../domain/id.ts';
import type { Dedupe, Envelope, Submission } from '../../domain/submission.ts';
import type { Body } from './body.ts';
import { prepareMessage } from './prepare.ts';
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
  readonly maxHeaderBytes: number;
  keep(submission: Submission): Promise<Kept>;
}

type StoreAsk = Extract<Ask, { ask: 'store' }>;

/** Prepares a received message and has it kept; refuses what Postal would refuse after we said 250. */
export async function acceptMessage(
  world: Acceptance,
  { credential, envelope, client, secure }: StoreAsk,
  { body, address }: { readonly body: Body; readonly address: string },
): Promise<StoreAnswer> {
  const at = world.clock.now();
  const id = world.newId(at);
  const { hostname, maxHeaderBytes } = world;
  const head = await body.head(maxHeaderBytes + 4);
  const reception = { id, at, hostname, secure, senderDomains: credential.senderDomains, maxHeaderBytes };
  const prepared = prepareMessage(head, reception);
  if (!prepared.ok) return { outcome: 'refused', said: prepared.said };
  const { top, from, key } = prepared;
  const raw = await body.assemble(top, from);
  const octets = [head.subarray(0, from), raw.subarray(top.length)];
  const kept = await world.keep({
    id,
    receivedAt: at,
    source: 'smtp',
    credentialId: credential.id,
    envelope,
    client: { name: client.name, address },
    ...(key === undefined ? {} : { dedupe: dedupeOf(key, credential.id, envelope, octets) }),
    raw,
  });
  return answer(world.log, kept, { message_id: id, username: credential.username, bytes: raw.length });
}

function answer(
  log: Log,
  kept: Kept,
  line: { message_id: string; username: string; bytes: number },
): StoreAnswer {
  switch (kept.kind) {
    case 'stored':
      log.info('accepted', line);
      return { outcome: 'stored', id: line.message_id };
    case 'full':
      log.warn('not accepted: the journal is full', line);
      return { outcome: 'refused', said: 'journalFull' };
    case 'failed':
      log.error('not accepted: the journal failed', { ...line, why: kept.why });
      return { outcome: 'refused', said: 'journalFailed' };
  }
}

/** The digest is over who sent what to whom, exactly as it was received; each part behind its length. */
function dedupeOf(key: string, credentialId: string, envelope: Envelope, octets: readonly Buffer[]): Dedupe {
  const hash = createHash('sha256');
  for (const part of [credentialId, envelope.mailFrom, ...envelope.rcptTo.toSorted()]) {
    hash.update(`${Buffer.byteLength(part)}:${part}`);
  }
  hash.update(`${envelope.rcptTo.length};`);
  for (const part of octets) hash.update(part);
  return { key, digest: hash.digest() };
}
