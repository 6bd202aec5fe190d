import type { Clock } from '../../../adapters/clock.ts';
import type { Http } from '../../../adapters/http.ts';
import type { Log } from '../../../adapters/log.ts';
import type { Random } from '../../../adapters/random.ts';
import type { ConfigOf } from '../../../config/environment.ts';
import { type Breaker, openBreaker } from '../../breaker.ts';
import type { Journal } from '../journal/journal.ts';
import type { Batch } from '../journal/reader.ts';
import type { Position } from '../../../domain/journal-place.ts';
import type { Answer } from './answer.ts';

export type ShipperConfig = Pick<
  ConfigOf<'relay'>,
  | 'API_INTERNAL_URL'
  | 'API_INTERNAL_TOKEN'
  | 'RELAY_SHUTDOWN_TIMEOUT'
  | 'RELAY_SHIP_RECORDS'
  | 'RELAY_SHIP_BYTES'
  | 'RELAY_SHIP_CONCURRENCY'
  | 'RELAY_SHIP_GATHER'
  | 'RELAY_SHIP_TIMEOUT'
  | 'RELAY_SHIP_PROBE_TIMEOUT'
  | 'RELAY_SHIP_FAILURES'
  | 'RELAY_SHIP_RETRY_DELAY'
  | 'RELAY_SHIP_OPEN_TIME'
  | 'RELAY_SHIP_OPEN_MAX'
  | 'RELAY_SHIP_REFUSED_DELAY'
>;

export interface ShipperWorld {
  readonly journal: Pick<
    Journal,
    'read' | 'settled' | 'settle' | 'setAside' | 'rewind' | 'shippedBy' | 'whenBeyond'
  >;
  readonly http: Pick<Http, 'exchange'>;
  readonly clock: Clock;
  readonly random: Pick<Random, 'fraction'>;
  readonly log: Log;
}

/** What was shipped since the start. */
export interface ShipperFigures {
  readonly records: { stored: number; alias: number; refused: number };
  readonly requests: { judged: number; refused: number; failed: number };
}

/** A batch under way. */
export interface Shipment {
  readonly batch: Batch;
  readonly answer: Promise<Answer>;
}

/** What shipping has in hand. */
export interface Shipping {
  readonly config: ShipperConfig;
  readonly world: ShipperWorld;
  readonly breaker: Breaker;
  readonly figures: ShipperFigures;
  /** Under way, oldest first; they are settled in this order. */
  window: readonly Shipment[];
  /** What comes after the window. */
  cursor: Position;
  /** Records in the next request: fewer after the api found one too large. */
  most: number;
  /** Until then what is accepted gathers, by the monotonic clock: many small requests cost far more than a few large ones. */
  gatherUntilMs: number;
  /** Why the api refuses the relay as such. */
  refusal: string | undefined;
  rewinds: { readonly since: Date; readonly done: (start: Promise<Position>) => void }[];
  isStopping: boolean;
  waiting: AbortController | undefined;
}

/** Nothing under way, and the journal's settled position ahead. */
export function beginShipping(config: ShipperConfig, world: ShipperWorld): Shipping {
  return {
    config,
    world,
    breaker: openBreaker(
      {
        failures: config.RELAY_SHIP_FAILURES,
        openMs: config.RELAY_SHIP_OPEN_TIME,
        longestOpenMs: config.RELAY_SHIP_OPEN_MAX,
        probeMs: config.RELAY_SHIP_PROBE_TIMEOUT,
      },
      world.clock,
      (to, from) => world.log.warn('the circuit to the api changed', { from, to }),
    ),
    figures: { records: { stored: 0, alias: 0, refused: 0 }, requests: { judged: 0, refused: 0, failed: 0 } },
    window: [],
    cursor: world.journal.settled(),
    most: config.RELAY_SHIP_RECORDS,
    gatherUntilMs: 0,
    refusal: undefined,
    rewinds: [],
    isStopping: false,
    waiting: undefined,
  };
}
