import type { ConfigOf } from './environment.ts';

/** The profile that puts a mail sink in the place of the outside world. */
export const sinkProfile = 'sink';

/** True where the sink stands for the outside world: no mail leaves the host. */
export function hasSink({ STACK_PROFILES }: Pick<ConfigOf<'operator'>, 'STACK_PROFILES'>): boolean {
  return STACK_PROFILES.includes(sinkProfile);
}
