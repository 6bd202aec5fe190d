import { OperatorError } from '../../domain/failure.ts';
import { isId } from '../../domain/id.ts';
import type { Runtime } from '../../runtime.ts';
import { revokeApiKey } from '../../store/api-keys.ts';
import type { Plan } from '../plan.ts';
import { candidates, type Candidate } from './select.ts';
import { requireKey, shown, type ShownKey } from './show.ts';
import { type Manner, retireSteps, tidyUp } from './transitions.ts';

/** A key that is refused from now on. */
export interface RevokedKey {
  readonly key: Pick<ShownKey, 'id' | 'name'> & { readonly kind: string; readonly state: string };
}

/**
 * Plans the end of a key at once: a key of the api by its id, of any other kind the old one of a rotation. One that is revoked already
 * needs nothing. Throws `usage` when there is none, and `refused` for one that nothing has replaced.
 */
export async function planRevocation(
  world: Runtime,
  word: string,
  manner: Manner,
): Promise<Plan<RevokedKey>> {
  return isId('mk', word) ? planApiRevocation(world, word) : planRetirement(world, word, manner);
}

async function planApiRevocation({ clock, postgres }: Runtime, id: string): Promise<Plan<{ key: ShownKey }>> {
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

async function planRetirement(world: Runtime, word: string, manner: Manner): Promise<Plan<RevokedKey>> {
  const meant = (await candidates(world)).filter(
    ({ subject, keys }) => subject.name === word || keys.some(({ id }) => id === word),
  );
  const [one] = meant;
  if (!one || meant.length > 1) throw notOne(word, meant);
  const old = one.keys.find(({ state }) => state === 'retiring');
  if (!old || one.keys.some(({ id, state }) => id === word && state !== 'retiring')) throw unreplaced(one);
  const { name } = one.subject;
  return {
    title: `Revoke the old key of ${one.kind} ${name}`,
    confirm: `Accept the old key of ${one.kind} ${name} no more, although it may still be used?`,
    steps: [...retireSteps(one, old, manner), tidyUp],
    result: () => ({ key: { id: old.id, kind: one.kind, name, state: 'retired' } }),
  };
}

function notOne(word: string, meant: readonly Candidate[]): OperatorError {
  const kinds = meant.map(({ kind }) => kind).join(', ');
  return new OperatorError(
    'usage',
    meant.length === 0 ? `there is no key ${word}` : `${word} is the name of several keys: ${kinds}`,
    { hint: 'Name one by its id: mailctl keys list', field: 'id' },
  );
}

function unreplaced({ kind, subject: { name } }: Candidate): OperatorError {
  return new OperatorError('refused', `nothing has replaced the key of ${kind} ${name} yet`, {
    hint: `Replace it first: mailctl keys rotate ${name} --kind ${kind}; then revoke the old one`,
    field: 'id',
  });
}
