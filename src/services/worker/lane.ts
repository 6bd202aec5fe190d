import type { ConfigOf } from '../../config/environment.ts';
import type { Handover, LaneProblem } from '../../domain/delivery.ts';
import { recordBlock } from '../../store/sending.ts';
import { type Breaker, openBreaker, type Ticket } from '../breaker.ts';
import type { Figures } from './figures.ts';
import type { Room } from './room.ts';

/** The way to Postal: open, or waiting until one message may try again. */
export interface Lane {
  /** Leave for one message; undefined while the lane waits. */
  enter(): Ticket | undefined;
  /** True while messages go through, as far as is known. */
  isOpen(): boolean;
  /** How many messages may be claimed now. */
  room(wanted: number): number;
  /** Takes in how a hand-over ended. What was begun before the lane last opened or closed tells nothing of now. */
  report(ticket: Ticket, handover: Handover): void;
  /** Takes in what is on record: where another worker wrote it and is gone, the next end of a hand-over here puts it right. */
  recorded(problem: LaneProblem | null): void;
  /** Gives leave back that no request was made with, so that nobody waits for its end. Nothing after a report. */
  forgo(ticket: Ticket): void;
}

interface Watch {
  /** Hand-overs in a row without a clear end that close the lane; a blocked one closes it at once. */
  readonly failures: number;
  /** Hears of what stands in the way when it changes, and `undefined` once a message got through. */
  readonly blocked: (block: { problem: LaneProblem; reason: string } | undefined) => void;
}

/** Watches over hand-overs so that nothing is tried, and no attempt burnt, while nothing can get through. */
export function openLane(breaker: Breaker, { failures, blocked }: Watch): Lane {
  // Not known at first: what an earlier worker recorded must be taken back too.
  let current: LaneProblem | 'unknown' | undefined = 'unknown';
  const setBlock = (block: { problem: LaneProblem; reason: string } | undefined): void => {
    if (current === block?.problem) return;
    current = block?.problem;
    blocked(block);
  };
  return {
    enter: () => {
      const admission = breaker.admit();
      return 'ticket' in admission ? admission.ticket : undefined;
    },
    isOpen: () => breaker.state() === 'closed',
    room: (wanted) => {
      if (breaker.state() === 'closed') return wanted;
      return breaker.restMs() > 0 ? 0 : Math.min(1, wanted);
    },
    report: (ticket, handover) => {
      if (handover.outcome === 'blocked') {
        for (let failure = 0; failure < failures; failure += 1) breaker.settle(ticket, 'failed');
        if (breaker.state() !== 'closed') setBlock({ problem: handover.problem, reason: handover.reason });
        return;
      }
      breaker.settle(ticket, handover.outcome === 'unclear' ? 'failed' : 'answered');
      if (handover.outcome !== 'unclear' && breaker.state() === 'closed') setBlock(undefined);
    },
    recorded: (problem) => {
      if ((current ?? null) !== problem) current = 'unknown';
    },
    forgo: (ticket) => breaker.settle(ticket, 'unused'),
  };
}

/** A lane to Postal whose troubles the operator hears of: in the log, in the metrics and in the database. */
export function watchPostal(
  config: Pick<
    ConfigOf<'worker'>,
    'POSTAL_BREAKER_FAILURES' | 'POSTAL_BREAKER_OPEN' | 'POSTAL_BREAKER_OPEN_MAX' | 'POSTAL_TIMEOUT'
  >,
  { db, clock, log }: Pick<Room, 'db' | 'clock' | 'log'>,
  figures: Pick<Figures, 'blocked' | 'breaker'>,
): Lane {
  const settings = {
    failures: config.POSTAL_BREAKER_FAILURES,
    openMs: config.POSTAL_BREAKER_OPEN,
    longestOpenMs: config.POSTAL_BREAKER_OPEN_MAX,
    probeMs: 2 * config.POSTAL_TIMEOUT,
  };
  return openLane(openBreaker(settings, clock, figures.breaker), {
    failures: settings.failures,
    blocked: (block) => {
      if (block) log.error('nothing gets through to Postal; the queue waits', block);
      else log.info('messages get through to Postal');
      figures.blocked(block?.problem);
      recordBlock(db, block).catch((error: unknown) =>
        log.warn('how sending stands could not be recorded', { error }),
      );
    },
  });
}
