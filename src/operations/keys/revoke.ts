import type { Runtime } from '../../runtime.ts';
import { revokeApiKey } from '../../store/api-keys.ts';
import type { Plan } from '../plan.ts';
import { requireKey, shown, type ShownKey } from './show.ts';

/** Plans the end of a key at once. One that is revoked already needs nothing. Throws `usage` when there is none of this id. */
export async function planRevocation(
  { clock, postgres }: Runtime,
  id: string,
): Promise<Plan<{ key: ShownKey }>> {
  const key = await requireKey(await postgres(), id);
  const now = clock.now();
  const isRevoked = key.revokedAt !== undefined;
  return {
    title: isRevoked ? `The key ${key.name} is revoked already` : `Revoke the key ${key.name}`,
    ...(!isRevoked && { confirm: `Refuse every further request with the key ${key.name} (${id})?` }),
    steps: isRevoked
      ? []
      : [
          {
            do: 'revoke-key',
            what: `revoke ${key.name} (${id})`,
            run: async (world) => {
              await revokeApiKey(await world.postgres(), key.id, now);
            },
          },
        ],
    result: () => ({ key: shown({ ...key, revokedAt: key.revokedAt ?? now }, now) }),
  };
}
