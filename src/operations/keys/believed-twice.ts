import type { VariableName } from '../../config/environment.ts';
import { fingerprintOf } from '../../domain/fingerprint.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Runtime } from '../../runtime.ts';
import { setValues } from './env-values.ts';
import type { Coming } from './kind.ts';

/** A secret of ours of which the api believes two values: the one in use, and beside it the next or the last one. */
export interface BelievedTwice {
  readonly variable: VariableName & ('API_INTERNAL_TOKEN' | 'POSTAL_WEBHOOK_TOKEN');
  readonly also: VariableName;
}

/** The value in use. */
export async function secretInUse(world: Runtime, { variable }: BelievedTwice): Promise<Secret> {
  return (await world.config('operator'))[variable];
}

/** Has the next value believed. Safe to repeat, also when it is in use already. */
export async function believeNext(
  world: Runtime,
  pair: BelievedTwice,
  { handle, secret }: Coming,
): Promise<void> {
  if (fingerprintOf(await secretInUse(world, pair)) !== handle)
    await setValues(world, new Map([[pair.also, secret]]));
}

/** Has the next value used and the last one believed. Safe to repeat. */
export async function useNext(
  world: Runtime,
  pair: BelievedTwice,
  { handle, secret }: Coming,
): Promise<void> {
  const last = await secretInUse(world, pair);
  if (fingerprintOf(last) === handle) return;
  await setValues(
    world,
    new Map<VariableName, Secret>([
      [pair.also, last],
      [pair.variable, secret],
    ]),
  );
}

/** Believes only the value in use from now on. */
export function believeOne(world: Runtime, { also }: BelievedTwice): Promise<void> {
  return setValues(world, new Map([[also, undefined]]));
}
