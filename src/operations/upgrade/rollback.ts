import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import type { Plan } from '../plan.ts';
import { readLockFile } from '../stack/lock-file.ts';
import { readMarks } from './marks.ts';
import { goBack, proveMailFlows, refuseOneWay, settleLock, stopOurs, type Way } from './switch.ts';
import type { Upgraded } from './upgrade.ts';

/**
 * Plans to go back to the images that ran before the last upgrade, finished or not. Throws `refused` where there are none, or where a
 * database was migrated since.
 */
export async function planRollback(world: Runtime, way: Way): Promise<Plan<Upgraded>> {
  const { previous } = await readLockFile(world);
  if (!previous || Object.keys(previous.images).length === 0) throw nothingBefore();
  refuseOneWay(previous, await readMarks(world));
  const { STACK_NAME: name } = await world.config('operator');
  return {
    title: `Take ${name} back to what ran before ${previous.at}`,
    steps: [
      {
        do: 'stop',
        what: 'stop scheduler, worker and api; the relay goes on accepting into its journal',
        run: stopOurs,
      },
      {
        do: 'start',
        what: `bring up ${Object.entries(previous.images)
          .map(([variable, image]) => `${variable} ${image}`)
          .join(', ')}; settings stay those of .env`,
        run: async (here) => goBack(here, previous, await readMarks(here), way),
      },
      { do: 'prove', what: 'prove end to end that mail flows', run: (here) => proveMailFlows(here, way) },
      {
        do: 'remember',
        what: 'keep these images until the next upgrade',
        run: (here) => settleLock(here, 'forget'),
      },
    ],
    result: () => ({ done: `${name} runs what ran before ${previous.at}` }),
  };
}

function nothingBefore(): OperatorError {
  return new OperatorError('refused', 'mailctl.lock.json knows of no images to go back to', {
    hint: 'They are written down by mailctl upgrade, and are gone once it was taken back',
  });
}
