import type { Runtime } from '../../runtime.ts';
import { planPostalApply } from '../postal/apply.ts';

/** Makes Postal what the configuration says, the first time and whenever it differs. */
export async function provisionPostal(world: Runtime): Promise<void> {
  const { steps } = await planPostalApply(world);
  for (const step of steps) await step.run(world);
}
