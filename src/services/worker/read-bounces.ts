import type { PostalReader, ReadAtPostal } from '../../adapters/postal-reader.ts';
import type { ConfigOf } from '../../config/environment.ts';
import { backoffMs } from '../../domain/backoff.ts';
import { bounceFacts } from '../../domain/bounce.ts';
import { readBounceReport } from '../../domain/delivery-report.ts';
import type { EventDetail } from '../../domain/event.ts';
import { claimReport, type DueReport, finishReport, postponeReport } from '../../store/bounce-reports.ts';
import { lockRecipient } from '../../store/recipients.ts';
import { suppressFound } from '../../store/suppressions.ts';
import { refold } from '../../upkeep/record-told.ts';
import { suppressionOf } from '../../upkeep/suppress.ts';
import type { Work } from '../loop.ts';
import type { Room } from './room.ts';

/** What reading the reports of bounces needs. */
export interface BounceRoom extends Room {
  readonly reader: PostalReader;
  readonly config: Pick<
    ConfigOf<'worker'>,
    | 'SUPPRESSION_BOUNCE_EXPIRY'
    | 'BOUNCE_REPORT_GIVE_UP'
    | 'DELIVERY_RETRY_BASE'
    | 'DELIVERY_RETRY_MAX'
    | 'WORKER_LEASE'
  >;
}

/** Reads the messages that came back at Postal, one a round: why they did, and whose address gets no more mail. */
export function bounceReading(room: BounceRoom): Work {
  return {
    turn: async () => {
      const report = await claimReport(room.db, room.config.WORKER_LEASE);
      if (report) await settle(room, report, await room.reader.read(report.postalId));
      return report !== undefined;
    },
  };
}

async function settle(room: BounceRoom, report: DueReport, read: ReadAtPostal): Promise<void> {
  switch (read.found) {
    case 'mail': {
      const { words, ...bounce } = readBounceReport(read.raw, report.recipient);
      return finish(room, report, { ...bounceFacts(bounce), report: clean(words) });
    }
    case 'gone':
      return finish(room, report, { bounce_class: 'other', report: 'Postal has it no longer' });
    case 'unclear': {
      if (report.ageMs > room.config.BOUNCE_REPORT_GIVE_UP)
        return finish(room, report, { bounce_class: 'other', report: `not read: ${read.why}` });
      const { DELIVERY_RETRY_BASE: baseMs, DELIVERY_RETRY_MAX: mostMs } = room.config;
      room.log.warn('the report of a bounce cannot be read yet', { event_id: report.eventId, why: read.why });
      const inMs = backoffMs(report.attempts, { baseMs, mostMs }, room.random.fraction());
      return postponeReport(room.db, report.eventId, inMs);
    }
  }
}

async function finish(room: BounceRoom, report: DueReport, detail: EventDetail): Promise<void> {
  const rules = { bounceExpiryMs: room.config.SUPPRESSION_BOUNCE_EXPIRY, now: room.clock.now() };
  await room.db.transaction(async (within) => {
    const owner = await lockRecipient(within, report.messageId, report.recipient);
    if (!(await finishReport(within, report.eventId, detail))) return;
    if (owner && detail['bounce_class'] === 'delay') await refold(within, [owner]);
    await suppressFound(within, suppressionOf({ ...report, kind: 'bounced', detail }, rules));
  });
  room.log.info('read why a message came back', {
    message_id: report.messageId,
    class: detail['bounce_class'],
    code: detail['bounce_code'],
  });
}

/** PostgreSQL's jsonb takes no NUL. */
function clean(words: string): string {
  return words.replaceAll('\u0000', '\uFFFD');
}
