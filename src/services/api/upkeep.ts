import { recordKeyUse } from '../../store/api-keys.ts';
import { ensureBodyPartitions } from '../../store/bodies.ts';
import { forgetAnswers } from '../../store/idempotency.ts';
import { endsOfKeys } from '../../store/keys.ts';
import { forgetExpiredSuppressions } from '../../store/suppressions.ts';
import { forgetHolders, recordSecretUse } from '../../store/secret-uses.ts';
import type { Gate } from './authenticate.ts';
import { type KeyEnds, kindsInMind } from './key-ends.ts';
import type { SecretUses } from './secret-uses.ts';
import type { ApiConfig, ApiWorld } from './room.ts';

export interface UpkeepRoom extends Pick<ApiWorld, 'clock' | 'db' | 'log'>, Pick<Gate, 'uses'> {
  readonly secretUses: Pick<SecretUses, 'noted'>;
  readonly keyEnds: Pick<KeyEnds, 'learn'>;
  readonly config: Pick<ApiConfig, 'API_KEY_USE_INTERVAL' | 'BODY_DAYS_AHEAD' | 'IDEMPOTENCY_WINDOW'>;
}

/** Every API_KEY_USE_INTERVAL until stopped: writes down the last use of keys, learns which end when, forgets what has run out, makes the next days' partitions. */
export async function keepUp(room: UpkeepRoom, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await room.clock.sleep(room.config.API_KEY_USE_INTERVAL, stop);
    await upkeepTurn(room).catch((error: unknown) => room.log.warn('upkeep of the api failed', { error }));
  }
}

async function upkeepTurn(room: UpkeepRoom): Promise<void> {
  await flushKeyUses(room);
  room.keyEnds.learn(await endsOfKeys(room.db, kindsInMind));
  await ensureBodyPartitions(room.db, room.config.BODY_DAYS_AHEAD);
  const nowMs = room.clock.now().getTime();
  await forgetAnswers(room.db, new Date(nowMs - room.config.IDEMPOTENCY_WINDOW));
  await forgetExpiredSuppressions(room.db);
  await forgetHolders(room.db);
}

/** Writes down what is noted; what cannot be written now stays noted, unless a later use came in between. */
export async function flushKeyUses({
  db,
  uses,
  secretUses,
}: Pick<UpkeepRoom, 'db' | 'uses' | 'secretUses'>): Promise<void> {
  await flush(uses, (noted) => recordKeyUse(db, noted));
  await flush(secretUses.noted, (noted) => recordSecretUse(db, noted));
}

async function flush(
  uses: Map<string, Date>,
  write: (noted: ReadonlyMap<string, Date>) => Promise<void>,
): Promise<void> {
  const noted = new Map(uses);
  await write(noted);
  for (const [id, at] of noted) if (uses.get(id) === at) uses.delete(id);
}
