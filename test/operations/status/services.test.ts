import { expect, it } from 'vitest';

import type { Container } from '../../../src/adapters/container.ts';
import type { Usage } from '../../../src/adapters/docker.ts';
import { OperatorError } from '../../../src/domain/failure.ts';
import { containersSeen } from '../../../src/operations/status/services.ts';
import type { Runtime } from '../../../src/runtime.ts';

const container: Container = {
  id: 'none',
  service: 'none',
  oneOff: false,
  configHash: '',
  state: 'running',
  health: 'healthy',
  healthTest: [],
  healthOutput: '',
  startedAt: new Date(0),
  exitCode: 0,
  oomKilled: false,
  restarts: 0,
  image: 'image:1',
  imageId: '',
  version: undefined,
  environment: [],
  addresses: {},
};

const away = () => Promise.reject(new OperatorError('unreachable', 'it does not answer', { hint: '' }));

function stackOf(usages: Readonly<Record<string, () => Promise<Usage>>>): Runtime {
  const containers = Object.keys(usages).map((service) => ({ ...container, id: service, service }));
  const docker = { containers: async () => containers, usage: (id: string) => usages[id]?.() };
  return {
    dir: 'folder',
    docker: async () => docker,
    files: { readOwn: async () => undefined },
    postgres: away,
    postalDatabase: away,
  } as unknown as Runtime;
}

it('tells how every container is also where the engine does not tell in time what one of them uses', async () => {
  const used = { memoryBytes: 7, memoryLimitBytes: 9, processors: 0.5 };
  const { services } = await containersSeen(stackOf({ api: async () => used, relay: away }));
  expect(services).toMatchObject([
    { name: 'api', health: 'healthy', memory_bytes: 7, memory_limit_bytes: 9, processors: 0.5 },
    { name: 'relay', health: 'healthy', memory_bytes: null, memory_limit_bytes: null, processors: null },
  ]);
});
