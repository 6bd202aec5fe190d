import type { Clock } from '../adapters/clock.ts';
import type { Log } from '../adapters/log.ts';
import type { Random } from '../adapters/random.ts';
import type { Texts } from './variables.ts';

/** How a sandbox is to differ from the usual one. */
export interface SandboxOptions {
  /** Variables that are other than the sandbox would choose: a broken hop, for example. */
  readonly variables?: Texts;
  /** Rooms that are left out. */
  readonly without?: readonly ('relay' | 'worker')[];
}

/** What a sandbox needs of the world besides what it starts itself. */
export interface SandboxWorld {
  readonly clock: Clock;
  readonly random: Random;
  /** The log of a service. */
  log(service: string): Log;
}
