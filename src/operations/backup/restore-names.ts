import { join } from 'node:path';

import { z } from 'zod';

import type { Workplace } from './workplace.ts';

/** The names that databases have while a set is restored; MariaDB allows 64 octets, so they are short. */
export interface RestoreNames {
  /** Of PostgreSQL's restored database, and what stands before the name of each of Postal's. */
  readonly beside: string;
  /** The same for what the restored databases took the place of. */
  readonly before: string;
}

/** The names for a set: the four letters of its id tell it from others. */
export function restoreNames(id: string): RestoreNames {
  const letters = id.slice(-4);
  return { beside: `restored_${letters}`, before: `before_${letters}` };
}

const shape = z.object({
  id: z.string(),
  stores: z.array(z.enum(['postgres', 'mariadb'])),
  dumped_at: z.string(),
  restored_at: z.string(),
  /** `swapping` until all is in place, `pending` until it is agreed to, `settled` once all mail is decided. */
  state: z.enum(['swapping', 'pending', 'settled']),
  /** Whether the relay of this host was asked to ship again, where PostgreSQL was restored. */
  shipping: z.enum(['asked', 'unseen']).optional(),
});

/** A restore that waits for `commit` or `abort`. */
export type PendingRestore = Readonly<z.infer<typeof shape>>;

type Memory = Pick<Workplace, 'world' | 'archive' | 'target'>;

function pathIn({ world, target }: Memory): string {
  return join(world.dir, 'state', target ? `restore-${target.mark}.json` : 'restore.json');
}

/** The restore of this folder, or to that other host, that is neither committed nor aborted. */
export async function pendingRestore(memory: Memory): Promise<PendingRestore | undefined> {
  const text = await memory.archive.text(pathIn(memory));
  return text === undefined ? undefined : shape.parse(JSON.parse(text));
}

/** The sets of all restores begun from this folder, here or to other hosts, that are neither committed nor aborted. */
export async function pendingSets({ world, archive }: Memory): Promise<readonly string[]> {
  const folder = join(world.dir, 'state');
  const names = (await archive.list(folder)).filter((name) => /^restore(-[0-9a-f]+)?\.json$/.test(name));
  const texts = await Promise.all(names.map((name) => archive.text(join(folder, name))));
  return texts.flatMap((text) => (text === undefined ? [] : [shape.parse(JSON.parse(text)).id]));
}

/** Remembers a restore until it is committed or aborted. */
export async function rememberRestore(memory: Memory, pending: PendingRestore): Promise<void> {
  await memory.archive.makeFolder(join(memory.world.dir, 'state'));
  await memory.archive.replace(pathIn(memory), `${JSON.stringify(pending, null, 2)}\n`);
}

/** Forgets it. */
export async function forgetRestore(memory: Memory): Promise<void> {
  await memory.archive.remove(pathIn(memory));
}
