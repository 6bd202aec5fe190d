import type { Runtime } from '../../runtime.ts';
import { postalNames } from '../postal/dns-records.ts';
import { readProvisionFile, wantedOf } from '../postal/wanted.ts';

/** The names that tracked links and pixels point to: Postal's own, and one of each sending domain. */
export async function trackingNames(world: Runtime): Promise<readonly string[]> {
  const config = await world.config('operator');
  const { domains } = wantedOf(config, (await readProvisionFile(world, config))?.file);
  const own = domains.map(({ name }) => `${config.POSTAL_TRACK_NAME}.${name}`);
  return [postalNames(config.POSTAL_HOSTNAME).track, ...own];
}
