import { join } from 'node:path';

import { keyKinds, nextMove } from '../../domain/key.ts';
import type { Runtime } from '../../runtime.ts';
import { livingKeys } from '../../store/keys.ts';

/**
 * Rotations that can go on now and that nobody goes on with, in words with the command. The scheduler of a stack has no `.env` to write
 * into, so those of keys that stand there wait for a command on the host.
 */
export async function rotationsLeftToHost(
  world: Pick<Runtime, 'dir' | 'files' | 'clock' | 'postgres'>,
): Promise<readonly string[]> {
  if ((await world.files.modeOf(join(world.dir, 'compose.yaml'))) === undefined) return [];
  const filed = (await livingKeys(await world.postgres())).filter(({ kind }) => keyKinds[kind].isFiled);
  const subjects = [...new Set(filed.map(({ kind, name }) => `${kind} ${name}`))];
  const facts = { now: world.clock.now(), usedAt: undefined, isWanted: false, isForced: false };
  const due = subjects.filter((subject) => {
    const keys = filed.filter(({ kind, name }) => `${kind} ${name}` === subject);
    return ['switch', 'retire'].includes(nextMove(keys, facts).move);
  });
  if (due.length === 0) return [];
  return [
    `rotations wait for this host, whose .env they change: ${due.join(', ')}: mailctl keys rotate --continue`,
  ];
}
