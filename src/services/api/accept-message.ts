import { newId } from '../../domain/id.ts';
import type { Submission } from '../../domain/submission.ts';
import { keepAnswer, lookUpRequest, type NamedRequest } from '../../store/idempotency.ts';
import { insertSubmissions, type NewMessage } from '../../store/messages.ts';
import type { ApiMetrics } from './api-metrics.ts';
import type { Caller } from './authenticate.ts';
import { type AcceptedMessage, acceptedMessage, type NewMessageBody } from './contracts/message.ts';
import { checkRecipients, checkSchedule, draftOf, envelopeOf } from './draft.ts';
import { newMessageOf, nothingBeside } from './new-message.ts';
import { ApiProblem } from './problem.ts';
import { finishRawMessage, type RawMessage } from './raw-message.ts';
import type { ApiConfig, ApiWorld } from './room.ts';

export interface MessageRoom extends Pick<ApiWorld, 'clock' | 'random' | 'db' | 'mime'> {
  readonly metrics: ApiMetrics;
  readonly limits: Pick<ApiConfig, 'API_MAX_RECIPIENTS' | 'API_MAX_SCHEDULE' | 'IDEMPOTENCY_WINDOW'>;
}

/** Who sent a message, and from where. */
export interface Sender {
  readonly caller: Pick<Caller, 'id'>;
  readonly address: string;
}

/** The name a client gave to its request, and what it asked for. */
export interface Naming {
  readonly key: string;
  /** SHA-256 over all that the request says. */
  readonly digest: Uint8Array;
}

/** What is said of a message that will go out, and whether it was said before. */
export interface Acceptance {
  readonly message: AcceptedMessage;
  readonly replayed: boolean;
}

/** Writes a structured message down, ready to be stored. */
export async function prepareStructured(
  room: MessageRoom,
  body: NewMessageBody,
  sender: Sender,
): Promise<NewMessage> {
  const now = room.clock.now();
  const id = newId('msg', now, room.random.bytes(10));
  const envelope = envelopeOf(body);
  checkRecipients(envelope, room.limits.API_MAX_RECIPIENTS);
  const sendAt = checkSchedule(body.send_at, now, room.limits.API_MAX_SCHEDULE);
  const raw = await room.mime.composeMessage(draftOf(body, { id, now }));
  const submission = { id, receivedAt: now, envelope, raw, ...fromHttp(sender) };
  return newMessageOf(submission, { metadata: body.metadata, sendAt }, room);
}

/** Makes a raw message ready to be stored. */
export function prepareRaw(room: MessageRoom, message: RawMessage, sender: Sender): NewMessage {
  const now = room.clock.now();
  const id = newId('msg', now, room.random.bytes(10));
  const { envelope, raw } = finishRawMessage(message, room.mime, { id, now });
  checkRecipients(envelope, room.limits.API_MAX_RECIPIENTS);
  return newMessageOf({ id, receivedAt: now, envelope, raw, ...fromHttp(sender) }, nothingBeside, room);
}

/** Stores a message. One that its client named is stored once: sending it again gives the first answer. */
export async function acceptMessage(
  room: MessageRoom,
  message: NewMessage,
  naming: Naming | undefined,
): Promise<Acceptance> {
  const acceptance = naming
    ? await storeNamed(room, message, naming)
    : { message: await store(room, message), replayed: false };
  if (!acceptance.replayed) room.metrics.messages.inc({ source: 'http' });
  return acceptance;
}

function fromHttp({ caller, address }: Sender): Pick<Submission, 'source' | 'credentialId' | 'client'> {
  return { source: 'http', credentialId: caller.id, client: { name: '', address } };
}

async function store({ db }: Pick<MessageRoom, 'db'>, message: NewMessage): Promise<AcceptedMessage> {
  await insertSubmissions(db, [message]);
  const { submission, sendAt } = message;
  return {
    id: submission.id,
    state: sendAt ? 'scheduled' : 'queued',
    recipients: submission.envelope.rcptTo.length,
    created_at: submission.receivedAt.toISOString(),
  };
}

/** Message and answer are committed together, so that a crash leaves both or neither. */
async function storeNamed(room: MessageRoom, message: NewMessage, naming: Naming): Promise<Acceptance> {
  const request: NamedRequest = {
    credentialId: message.submission.credentialId,
    ...naming,
  };
  const at = room.clock.now();
  const since = new Date(at.getTime() - room.limits.IDEMPOTENCY_WINDOW);
  return room.db.transaction(async (within) => {
    const known = await lookUpRequest(within, request, since);
    if (known.kind === 'answered') return { message: acceptedMessage.parse(known.response), replayed: true };
    if (known.kind !== 'new') throw conflict(known.kind);
    const accepted = await store({ db: within }, message);
    await keepAnswer(within, request, { at, status: 202, response: accepted });
    return { message: accepted, replayed: false };
  });
}

function conflict(kind: 'in-flight' | 'other-request'): ApiProblem {
  const field = 'idempotency-key';
  if (kind === 'in-flight') {
    return new ApiProblem(
      'idempotency-in-flight',
      'A request with this Idempotency-Key is being answered now',
      {
        field,
        headers: { 'retry-after': '1' },
      },
    );
  }
  return new ApiProblem('idempotency-mismatch', 'This Idempotency-Key was used for another request', {
    field,
  });
}
