import { join } from 'node:path';

import type { Files } from '../adapters/files.ts';
import type { ScheduledRun } from '../domain/timetable.ts';

/** Where runs of the timetable are written down, in the operator's folder. */
export const runsFolder = 'state/runs';

/** What writing runs down needs. Operator and scheduler may be different users, and neither holds a secret here. */
export interface BookWorld {
  readonly dir: string;
  readonly files: Pick<Files, 'readAny' | 'write' | 'makeFolder'>;
}

const readableByAll = 0o644;

/** The runs of a row, newest first. A book that cannot be read counts as empty: a run must not depend on it. */
export async function readRuns({ dir, files }: BookWorld, name: string): Promise<readonly ScheduledRun[]> {
  const text = await files.readAny(bookOf(dir, name));
  return text === undefined ? [] : runsIn(text);
}

/** Puts a run in front, in place of the one that began at the same time, and forgets what is beyond `keep`. */
export async function writeRun(
  world: BookWorld,
  name: string,
  run: ScheduledRun,
  keep: number,
): Promise<void> {
  const { dir, files } = world;
  await files.makeFolder(join(dir, runsFolder), 0o755);
  const earlier = (await readRuns(world, name)).filter(({ started_at }) => started_at !== run.started_at);
  const runs = [run, ...earlier].slice(0, keep);
  await files.write(bookOf(dir, name), `${JSON.stringify({ name, runs }, undefined, 2)}\n`, readableByAll);
}

function bookOf(dir: string, name: string): string {
  return join(dir, runsFolder, `${name}.runs.json`);
}

function runsIn(text: string): readonly ScheduledRun[] {
  try {
    const { runs } = JSON.parse(text) as { readonly runs?: unknown };
    return Array.isArray(runs) ? runs.filter(isRun) : [];
  } catch {
    return [];
  }
}

function isRun(run: unknown): run is ScheduledRun {
  if (typeof run !== 'object' || run === null) return false;
  const { due, started_at, outcome } = run as Partial<Record<keyof ScheduledRun, unknown>>;
  return [due, started_at].every(isTime) && (outcome === null || typeof outcome === 'string');
}

function isTime(text: unknown): boolean {
  return typeof text === 'string' && !Number.isNaN(Date.parse(text));
}
