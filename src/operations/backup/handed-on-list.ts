import { join } from 'node:path';

import { z } from 'zod';

import type { Workplace } from './workplace.ts';

/** Where a container of the stack finds what was handed on to it of the operator's folder. */
export const handedOnFolder = 'secrets/host';

/** Says what of that folder is what, beside it; an older file that lies there still is on no list. */
export const handedOnList = 'secrets/host.json';

const shape = z.object({
  config: z.array(z.string()),
  secrets: z.array(z.string()),
  /** What could not be handed on: `secrets/NAME`, or the variable that names it. */
  missing: z.array(z.object({ variable: z.string(), path: z.string() })),
});

/** Paths below the folder, by the part of a set that they belong to. */
export type HandedOn = z.output<typeof shape>;

/** What was handed on; undefined on the host. */
export async function readHandedOn({
  world,
  archive,
}: Pick<Workplace, 'world' | 'archive'>): Promise<HandedOn | undefined> {
  const text = await archive.text(join(world.dir, handedOnList));
  return text === undefined ? undefined : shape.parse(JSON.parse(text));
}
