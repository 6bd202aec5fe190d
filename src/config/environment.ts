import type { z } from 'zod';

import { api } from './environment/api.ts';
import { suppression } from './environment/suppression.ts';
import { backup } from './environment/backup.ts';
import { certificates } from './environment/certificates.ts';
import { dns } from './environment/dns.ts';
import { e2e } from './environment/e2e.ts';
import { lockout } from './environment/lockout.ts';
import { platform } from './environment/platform.ts';
import { postal } from './environment/postal.ts';
import { postalDatabase } from './environment/postal-database.ts';
import { postalSetup } from './environment/postal-setup.ts';
import { postalWebhooks } from './environment/postal-webhooks.ts';
import { postgres } from './environment/postgres.ts';
import { redis } from './environment/redis.ts';
import { processors } from './environment/processors.ts';
import { relay } from './environment/relay.ts';
import { sink } from './environment/sink.ts';
import { stack } from './environment/stack.ts';
import { tls } from './environment/tls.ts';
import { schedule } from './environment/schedule.ts';
import { webhooks } from './environment/webhooks.ts';
import { worker } from './environment/worker.ts';
import type { Room, Variable } from './variable.ts';

/** Every variable there is, once. `.env`, README, validation and the manifests are printed from it. */
export const environment = {
  ...platform,
  ...postgres,
  ...relay,
  ...tls,
  ...certificates,
  ...redis,
  ...lockout,
  ...api,
  ...postalWebhooks,
  ...postal,
  ...postalDatabase,
  ...postalSetup,
  ...worker,
  ...processors,
  ...suppression,
  ...webhooks,
  ...schedule,
  ...backup,
  ...e2e,
  ...stack,
  ...sink,
  ...dns,
} satisfies Record<string, Variable>;

type Environment = typeof environment;

/** The name of a variable. */
export type VariableName = keyof Environment;

type NamesReadBy<R extends Room> = {
  [N in VariableName]: R extends Environment[N]['readBy'][number] ? N : never;
}[VariableName];

type Value<V> = V extends { readonly shape: infer S extends z.ZodType }
  ? V extends { readonly optional: true }
    ? z.output<S> | undefined
    : z.output<S>
  : never;

/** What one room reads, parsed; a room's functions take a `Pick` of it. */
export type ConfigOf<R extends Room> = { readonly [N in NamesReadBy<R>]: Value<Environment[N]> };

/** The variables that a room reads, in the order they are documented. */
export function variablesReadBy(room: Room): readonly VariableName[] {
  return allVariables.filter((name) => (environment[name].readBy as readonly Room[]).includes(room));
}

/** True for a variable that may change while services run. */
export function doesRotate(name: VariableName): boolean {
  const note: Variable = environment[name];
  return note.rotates === true;
}

/** True for a variable that may be given as `NAME_FILE` too: every secret, and what is a file by nature. */
export function isFileVariable(name: VariableName): boolean {
  const note: Variable = environment[name];
  return note.secret === true || note.alsoFile === true;
}

export const allVariables = Object.keys(environment) as VariableName[];
