import { describe, expect, it } from 'vitest';

import { timelineOf } from '../../../src/operations/trace/timeline.ts';
import type { TracedEvent } from '../../../src/store/trace.ts';
import { delivery, minute, recipient, scene } from './scene.ts';

function event(kind: TracedEvent['kind'], at: number, changes: Partial<TracedEvent> = {}): TracedEvent {
  const unheard = { postalUuid: null, webhook: null, webhookReceivedAt: null };
  return { kind, at: minute(at), recipient: 'ann@example.test', detail: {}, ...unheard, ...changes };
}

const postal = (kind: TracedEvent['kind'], at: number, webhook: string, detail = {}) =>
  event(kind, at, { detail, postalUuid: `uuid ${at}`, webhook, webhookReceivedAt: minute(at + 1) });

/** The timeline as `minute hop event` lines. */
function lines(seen: ReturnType<typeof scene>): readonly string[] {
  return timelineOf(seen).map(
    ({ at, hop, event: what }) => `${(Date.parse(at) - minute(0).getTime()) / 60_000} ${hop} ${what}`,
  );
}

describe('the timeline of a message', () => {
  it('goes from the SMTP session over each attempt, with what Postal and the remote server said, to the webhooks about it', () => {
    const seen = scene({
      message: { storedAt: minute(1) },
      recipients: [recipient({ state: 'bounced', changedAt: minute(9) })],
      events: [
        event('received', 0),
        event('uncertain', 2, { detail: { attempt_id: 'att_1', reason: 'Postal answered 500' } }),
        event('accepted', 4, { detail: { attempt_id: 'att_2', postal_id: 7 } }),
        postal('delayed', 5, 'MessageDelayed', { output: '451 later' }),
        postal('delivered', 7, 'MessageSent', { output: '250 taken' }),
        postal('bounced', 9, 'MessageBounced', { report: '550 5.1.1 user unknown' }),
      ],
      deliveries: [delivery({ kind: 'bounced', createdAt: minute(10), deliveredAt: minute(11) })],
    });

    expect(lines(seen)).toEqual([
      '0 relay received',
      '1 api stored',
      '2 worker uncertain',
      '4 worker accepted',
      '5 postal delayed',
      '6 postal-webhook webhook received',
      '7 postal delivered',
      '8 postal-webhook webhook received',
      '9 postal bounced',
      '10 postal-webhook webhook received',
      '11 ams-webhook webhook sent',
    ]);
    const details = timelineOf(seen).map(({ detail }) => detail);
    expect(details[0]).toMatchObject({ name: 'ams.example.test', address: '192.0.2.1', credential: 'ams' });
    expect(details.slice(2, 5)).toEqual([
      { attempt_id: 'att_1', reason: 'Postal answered 500' },
      { attempt_id: 'att_2', postal_id: 7 },
      { output: '451 later' },
    ]);
    expect(details.at(-1)).toMatchObject({ type: 'message.bounced', attempts: 1, last_status: 200 });
  });

  it('shows a hand-over under way, one that Postal did not take, once, and who let the message go on', () => {
    expect(lines(scene({ recipients: [recipient({ state: 'sending', changedAt: minute(3) })] }))).toContain(
      '3 worker sending',
    );
    const refused = recipient({ detail: 'Postal cannot be reached', changedAt: minute(4) });
    expect(lines(scene({ recipients: [refused] }))).toContain('4 postal not taken');
    const waiting = recipient({ detail: 'slow down', changedAt: minute(4), attemptId: 'att_2' });
    const failed = (attempt: string, at: number) =>
      event('attempt_failed', at, { detail: { attempt_id: attempt, reason: 'slow down' } });
    const attempts = (...events: readonly TracedEvent[]) =>
      lines(scene({ recipients: [waiting], events })).slice(2);
    expect(attempts(failed('att_1', 2), failed('att_2', 4))).toEqual([
      '2 worker attempt_failed',
      '4 worker attempt_failed',
    ]);
    expect(attempts(failed('att_1', 2))).toEqual(['2 worker attempt_failed', '4 postal not taken']);
    const released = event('requeued', 6, {
      detail: { by: 'operator', act: 'release', reason: 'it is well' },
    });
    const seen = scene({ recipients: [recipient({ changedAt: minute(6) })], events: [released] });
    expect(lines(seen)).toEqual(['0 relay received', '0 api stored', '6 worker requeued']);
  });

  it('shows a webhook that waits or was given up, with the last answer', () => {
    const given = delivery({
      state: 'dead',
      deliveredAt: null,
      attempts: 11,
      lastStatus: 503,
      lastError: 'busy',
    });
    const waits = delivery({ state: 'waiting', deliveredAt: null, nextAttemptAt: minute(90) });
    const seen = timelineOf(scene({ deliveries: [given, waits] })).filter(({ hop }) => hop === 'ams-webhook');
    expect(seen).toMatchObject([
      { event: 'webhook given up', detail: { attempts: 11, last_status: 503, last_error: 'busy' } },
      { event: 'webhook waits', detail: { next_attempt_at: minute(90).toISOString() } },
    ]);
  });
});
