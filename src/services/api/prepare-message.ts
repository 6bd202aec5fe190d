import { newId } from '../../domain/id.ts';
import type { Submission } from '../../domain/submission.ts';
import type { NewMessage } from '../../store/messages.ts';
import type { ApiMetrics } from './api-metrics.ts';
import type { Caller } from './authenticate.ts';
import type { NewMessageBody } from './contracts/message.ts';
import { checkRecipients, checkSchedule, draftOf, envelopeOf } from './draft.ts';
import { newMessageOf, nothingBeside } from './new-message.ts';
import { finishRawMessage, type RawMessage } from './raw-message.ts';
import type { ApiConfig, ApiWorld } from './room.ts';
import type { SenderLooks } from './sender-looks.ts';

export interface MessageRoom extends Pick<ApiWorld, 'clock' | 'random' | 'db' | 'mime'> {
  readonly metrics: ApiMetrics;
  readonly limits: Pick<
    ApiConfig,
    'API_MAX_RECIPIENTS' | 'API_MAX_SCHEDULE' | 'IDEMPOTENCY_WINDOW' | 'POSTAL_DOMAINS_STALE_TTL'
  >;
  readonly senderLooks: SenderLooks;
}

/** Who sent a message, and from where. */
export interface Sender {
  readonly caller: Pick<Caller, 'id'>;
  readonly address: string;
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
  return newMessageOf(submission, { metadata: body.metadata, sendAt, priority: body.priority });
}

/** Makes a raw message ready to be stored. */
export function prepareRaw(room: MessageRoom, message: RawMessage, sender: Sender): NewMessage {
  const now = room.clock.now();
  const id = newId('msg', now, room.random.bytes(10));
  const { envelope, raw } = finishRawMessage(message, room.mime, { id, now });
  checkRecipients(envelope, room.limits.API_MAX_RECIPIENTS);
  return newMessageOf({ id, receivedAt: now, envelope, raw, ...fromHttp(sender) }, nothingBeside);
}

function fromHttp({ caller, address }: Sender): Pick<Submission, 'source' | 'credentialId' | 'client'> {
  return { source: 'http', credentialId: caller.id, client: { name: '', address } };
}
