import type { PastAct } from '../../adapters/act-history.ts';
import { readDurationFlag } from '../../domain/duration-flag.ts';
import type { Runtime } from '../../runtime.ts';

/** What `history` reports. */
export interface ShownHistory {
  readonly acts: readonly PastAct[];
}

/** Which acts are meant, as it was typed. */
export interface WrittenPast {
  readonly since?: string;
  readonly command?: string;
}

/** The acts since a time before now, whose command begins with the given words; oldest first. Throws `usage` naming the flag. */
export async function showHistory(
  { history, clock }: Pick<Runtime, 'history' | 'clock'>,
  { since, command }: WrittenPast,
): Promise<ShownHistory> {
  const from =
    since === undefined
      ? ''
      : new Date(clock.now().getTime() - readDurationFlag('--since', since, '2h or 7d')).toISOString();
  const words = command?.trim();
  const acts: PastAct[] = [];
  for await (const act of history.read()) {
    if (act.at >= from && (words === undefined || `${act.command} `.startsWith(`${words} `))) acts.push(act);
  }
  return { acts };
}
