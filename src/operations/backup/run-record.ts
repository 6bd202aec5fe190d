import { join } from 'node:path';

import type { Workplace } from './workplace.ts';

interface Outcome {
  readonly ok: boolean;
  readonly id: string;
  readonly seconds: number;
  readonly error?: string;
}

/** Leaves in `state/runs/` how a run ended, where the scheduler finds the figures it publishes. The last success stays named beside a failure. */
export async function recordRun(
  { world, archive }: Pick<Workplace, 'world' | 'archive'>,
  name: 'backup' | 'backup-verify',
  outcome: Outcome,
): Promise<void> {
  const folder = join(world.dir, 'state', 'runs');
  const path = join(folder, `${name}.json`);
  await archive.makeFolder(folder);
  const at = world.clock.now().toISOString();
  const before = lastSuccess(await archive.text(path));
  const success = outcome.ok ? { at, id: outcome.id, seconds: outcome.seconds } : before;
  await archive.replace(
    path,
    `${JSON.stringify({ at, ...outcome, last_success: success ?? null }, null, 2)}\n`,
  );
}

function lastSuccess(text: string | undefined): unknown {
  try {
    return (JSON.parse(text ?? '{}') as { last_success?: unknown }).last_success;
  } catch {
    return undefined;
  }
}
