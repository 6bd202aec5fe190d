import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';
import { lookAtPostal } from '../postal/apply.ts';

/**
 * An address whose mail goes out into the world and comes back to the api: the one on the sending domain where that domain's mail
 * comes to Postal, else the one that Postal gave its route. Throws `refused` where Postal has no such route.
 */
export async function probeAddress(world: Runtime): Promise<string> {
  const { POSTAL_PROBE_NAME, POSTAL_HOSTNAME } = await world.config('operator');
  const { state } = await lookAtPostal(world);
  const route = state.routes.find(({ name, endpoint }) => name === POSTAL_PROBE_NAME && endpoint !== null);
  if (!route)
    throw new OperatorError(
      'refused',
      `Postal has no route ${POSTAL_PROBE_NAME}, and nobody to send to is named`,
      {
        hint: 'Make it: mailctl postal apply; or name an address of yours: --to, E2E_RECIPIENT',
        field: '--to',
      },
    );
  const domain = route.domain ?? '';
  return (await leadsTo(world, domain, POSTAL_HOSTNAME)) ? `${route.name}@${domain}` : route.address;
}

async function leadsTo(world: Runtime, domain: string, host: string): Promise<boolean> {
  const dns = await world.dns();
  const answers = await dns.ask(domain, 'MX').catch(() => []);
  return answers.some(({ values }) =>
    values.some((value) => value.toLowerCase().endsWith(` ${host.toLowerCase()}`)),
  );
}
