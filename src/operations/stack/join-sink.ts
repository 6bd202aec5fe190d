import { join } from 'node:path';

import { parseEnvFile } from '../../config/env-file.ts';
import { replaceInEnvFile } from '../../config/env-template.ts';
import { hasSink, sinkProfile } from '../../config/profiles.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Step } from '../plan.ts';

/**
 * The world as it is once the sink is in `.env`, and the step that writes it there: a staging host that forgot its sink would
 * send real mail at the next `up`. Throws `refused` where the environment decides on profiles.
 */
export async function joinSink(
  world: Runtime,
  profiles: readonly string[],
): Promise<{ readonly world: Runtime; readonly steps: readonly Step[] }> {
  const now = await world.config('operator');
  if (!profiles.includes(sinkProfile) || hasSink(now)) return { world, steps: [] };
  if ((await world.sources()).environment['STACK_PROFILES'])
    throw new OperatorError('refused', 'STACK_PROFILES stands in the environment, and has no sink', {
      hint: 'Unset it there: then up writes it into .env',
      field: 'STACK_PROFILES',
    });
  const added = [...now.STACK_PROFILES, sinkProfile];
  return { world: withProfiles(world, added), steps: [writeProfiles(added)] };
}

function withProfiles(world: Runtime, profiles: readonly string[]): Runtime {
  const config: Runtime['config'] = async (room) => {
    const found = await world.config(room);
    return 'STACK_PROFILES' in found ? { ...found, STACK_PROFILES: [...profiles] } : found;
  };
  return { ...world, config };
}

function writeProfiles(profiles: readonly string[]): Step {
  const text = profiles.join(',');
  return {
    do: 'write',
    what: `write STACK_PROFILES=${text} into .env: from now on no mail leaves this host`,
    run: async (world) => {
      const path = join(world.dir, '.env');
      const content = (await world.files.readOwn(path)) ?? '';
      const changed = replaceInEnvFile(
        { content, file: parseEnvFile(content) },
        new Map([['STACK_PROFILES', { text }]]),
      );
      await world.files.update(path, changed, content, 0o600);
      world.forgetSources();
    },
  };
}
