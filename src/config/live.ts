import { fingerprintOf } from '../domain/fingerprint.ts';
import { Secret } from '../domain/secret.ts';
import { type ConfigOf, doesRotate, type VariableName, variablesReadBy } from './environment.ts';
import { loadConfig } from './load.ts';
import type { Sources } from './resolve.ts';
import type { Room } from './variable.ts';

/** A room's configuration whose rotating secrets can change while it runs. */
export interface Live<R extends Room> {
  /** Rotating variables read as of now, wherever it is passed; everything else stays as it was at the start. */
  readonly config: ConfigOf<R>;
  /** Fingerprints of the rotating values it holds, by variable. */
  held(): ReadonlyMap<VariableName, string>;
  /** Reads everything again and returns what changed. Throws `config-invalid`, and then changes nothing. */
  reread(): Promise<readonly VariableName[]>;
}

/** Reads a room's configuration, now and whenever it is told to. */
export async function liveConfig<R extends Room>(room: R, read: () => Promise<Sources>): Promise<Live<R>> {
  const current = new Map<string, unknown>(Object.entries(loadConfig(room, await read())));
  const rotating = variablesReadBy(room).filter((name) => doesRotate(name));
  const config = Object.fromEntries(current);
  for (const name of rotating)
    Object.defineProperty(config, name, { enumerable: true, get: () => current.get(name) });
  return {
    config: config as ConfigOf<R>,
    held: () =>
      new Map(
        rotating.flatMap((name) => {
          const text = textOf(current.get(name));
          return typeof text === 'string' ? [[name, fingerprintOf(new Secret(text))] as const] : [];
        }),
      ),
    reread: async () => {
      const next = new Map<string, unknown>(Object.entries(loadConfig(room, await read())));
      const changed = rotating.filter((name) => textOf(next.get(name)) !== textOf(current.get(name)));
      for (const name of changed) current.set(name, next.get(name));
      return changed;
    },
  };
}

function textOf(value: unknown): unknown {
  return value instanceof Secret ? value.reveal() : value;
}
