import { OperatorError } from '../domain/failure.ts';
import type { Docker } from './docker.ts';

/** From where a command reaches what runs in the stack. */
export interface Addresses {
  /**
   * The address of a service's container, as the engine's inspect gives it. Undefined where there is no stack: then the
   * configuration says where the service is. Throws `unreachable` where the service does not run.
   */
  containerOf(service: string): Promise<string | undefined>;
  /** True on the host of a stack, outside of its networks. */
  onHost(): Promise<boolean>;
}

interface Place {
  /** True on the host of a stack; false inside one and in a sandbox, where the configuration names everything. */
  readonly onHost: () => Promise<boolean>;
  readonly docker: () => Promise<Docker>;
}

/** The one rule: on the host the container's address, which the host reaches in internal networks too; else what is configured. */
export function openAddresses({ onHost, docker }: Place): Addresses {
  return {
    onHost,
    containerOf: async (service) => ((await onHost()) ? addressOf(await docker(), service) : undefined),
  };
}

/** The network of the databases first: there every service has the name and address by which the others know it. */
async function addressOf(docker: Docker, service: string): Promise<string> {
  const running = (await docker.containers()).find(
    (one) => one.service === service && one.state === 'running',
  );
  const address = running && (running.addresses['data'] ?? Object.values(running.addresses)[0]);
  if (address !== undefined) return address;
  throw new OperatorError('unreachable', `${service} does not run`, {
    hint: `Start it: mailctl up ${service}; what became of it: mailctl status`,
  });
}
