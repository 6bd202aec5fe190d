import type { Clock } from '../../../adapters/clock.ts';
import type { Breaker } from '../../breaker.ts';
import type { Probe } from '../../health.ts';
import type { Position } from '../../../domain/journal-place.ts';
import { beginShipping, type ShipperConfig, type ShipperFigures, type ShipperWorld } from './shipping.ts';
import { shipUntilStopped } from './turn.ts';

/** Takes what is accepted to the api, oldest first, for as long as it runs. */
export interface Shipper {
  /** Not ok while the api refuses the relay as such; an api that is away is no reason to accept nothing. */
  readonly probe: Probe;
  /** Why the api refuses the relay as such; undefined while it does not. */
  refusal(): string | undefined;
  figures(): ShipperFigures;
  circuit(): ReturnType<Breaker['state']>;
  /** Ships again what the api acknowledged since then; resolves with where that begins. */
  reship(since: Date): Promise<Position>;
  /** Begins no request any more and takes in the answers to those under way, within RELAY_SHUTDOWN_TIMEOUT. */
  stop(): Promise<void>;
}

/** Starts shipping from where the journal is settled. */
export function startShipper(config: ShipperConfig, world: ShipperWorld): Shipper {
  const state = beginShipping(config, world);
  const running = shipUntilStopped(state);
  const reship = (since: Date): Promise<Position> =>
    new Promise((done) => {
      if (state.isStopping) done(Promise.reject(new Error('shipping has stopped')));
      state.rewinds.push({ since, done });
      state.waiting?.abort();
    });
  world.journal.shippedBy(reship);
  return {
    probe: async () => (state.refusal === undefined ? { ok: true } : { ok: false, why: state.refusal }),
    refusal: () => state.refusal,
    figures: () => structuredClone(state.figures),
    circuit: () => state.breaker.state(),
    reship,
    stop: async () => {
      state.isStopping = true;
      state.waiting?.abort();
      await within(world.clock, config.RELAY_SHUTDOWN_TIMEOUT, running);
    },
  };
}

async function within(clock: Clock, ms: number, work: Promise<void>): Promise<void> {
  const over = new AbortController();
  await Promise.race([work, clock.sleep(ms, over.signal)]);
  over.abort();
}
