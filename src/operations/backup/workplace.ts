import { join, resolve } from 'node:path';

import type { Archive } from '../../adapters/archive.ts';
import type { ConfigOf } from '../../config/environment.ts';
import type { Runtime } from '../../runtime.ts';

/** What every act on sets needs. */
export interface Workplace {
  readonly world: Runtime;
  /** The databases of another host that a restore goes to; undefined for this folder's own. */
  readonly target: Target | undefined;
  readonly config: ConfigOf<'operator'>;
  readonly archive: Archive;
  /** The folder of sets. */
  readonly shelf: string;
  /** Aborted when the operator stops it. */
  readonly stop: AbortSignal;
  /** Hears how far it is. */
  readonly tell: Tell;
  /** Says what the operator must know of beside the result. */
  warn(line: string): void;
}

/** The databases of another host, as a file describes them. */
export interface Target {
  /** As the operator writes it behind `--to`. */
  readonly file: string;
  /** Tells it from others; the same for the same servers. */
  readonly mark: string;
}

/** A passing remark on progress; the next one replaces it. */
export type Tell = (remark: string) => void;

/** Opens what acts on sets need. */
export async function openWorkplace(
  world: Runtime,
  how: Pick<Workplace, 'stop' | 'tell' | 'warn'>,
  target?: Target,
): Promise<Workplace> {
  const config = await world.config('operator');
  return {
    world,
    target,
    config,
    archive: await world.archive(),
    shelf: resolve(world.dir, config.BACKUP_DIR),
    ...how,
  };
}

/** Where a set stands. */
export function setPath({ shelf }: Pick<Workplace, 'shelf'>, id: string, ...file: readonly string[]): string {
  return join(shelf, id, ...file);
}

/** Where a set stands until it is whole; names with a dot are no sets. */
export function draftPath(
  { shelf }: Pick<Workplace, 'shelf'>,
  id: string,
  ...file: readonly string[]
): string {
  return join(shelf, `.${id}.partial`, ...file);
}

/**
 * Ends a step that takes too long, or that the operator stops. Node 20 collects a signal of `AbortSignal.timeout` that only `AbortSignal.any`
 * knows of, and it never fires: what the timer itself holds stays.
 */
export function stopOrTimeout({ stop, config }: Pick<Workplace, 'stop' | 'config'>): AbortSignal {
  const late = new AbortController();
  const tooLong = new DOMException('a step took longer than BACKUP_TIMEOUT', 'TimeoutError');
  setTimeout(() => late.abort(tooLong), config.BACKUP_TIMEOUT).unref();
  return AbortSignal.any([stop, late.signal]);
}
