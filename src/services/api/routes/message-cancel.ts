import type { Event } from '../../../domain/event.ts';
import { newId } from '../../../domain/id.ts';
import { cancelScheduled } from '../../../store/cancellation.ts';
import { recordEvents } from '../../../store/events.ts';
import { findMessage, listEvents } from '../../../store/message-views.ts';
import { type Gate, requireKey } from '../authenticate.ts';
import { messageParams, messageWithEvents } from '../contracts/message.ts';
import { problemResponses } from '../contracts/problem.ts';
import type { HttpServer } from '../http-server.ts';
import { timelineDocument } from '../message-documents.ts';
import { ApiProblem } from '../problem.ts';
import type { ApiWorld } from '../room.ts';

type CancelRoom = Pick<ApiWorld, 'db' | 'clock' | 'random'>;

/** `DELETE /v1/messages/:id`: takes a scheduled message out before it is sent; its record stays. */
export function defineMessageCancel(server: HttpServer, gate: Gate, room: CancelRoom): void {
  server.route({
    method: 'DELETE',
    url: '/v1/messages/:id',
    schema: {
      summary: 'Cancel a scheduled message; cancelling it again changes nothing',
      tags: ['messages'],
      params: messageParams,
      response: { 200: messageWithEvents, ...problemResponses },
    },
    onRequest: requireKey(gate, 'send'),
    handler: async ({ params }) => {
      await cancel(room, params.id);
      const view = await findMessage(room.db, params.id);
      if (!view) throw unknownMessage();
      return timelineDocument(view, await listEvents(room.db, view.id));
    },
  });
}

async function cancel({ db, clock, random }: CancelRoom, id: string): Promise<void> {
  const at = clock.now();
  await db.transaction(async (within) => {
    const outcome = await cancelScheduled(within, id);
    if (outcome.kind === 'unknown') throw unknownMessage();
    if (outcome.kind === 'too-late')
      throw new ApiProblem('too-late', 'Only a message that waits for its send_at can be cancelled', {
        field: 'id',
      });
    if (outcome.kind === 'already') return;
    const events = outcome.recipients.map((recipient): Event => ({
      id: newId('evt', at, random.bytes(10)),
      messageId: id,
      recipient,
      kind: 'cancelled',
      at,
      postalUuid: null,
      detail: {},
    }));
    await recordEvents(within, events, () => newId('whd', at, random.bytes(10)));
  });
}

function unknownMessage(): ApiProblem {
  return new ApiProblem('not-found', 'There is no such message', { field: 'id' });
}
