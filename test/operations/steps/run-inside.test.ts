import { describe, expect, it } from 'vitest';

import { runInside } from '../../../src/operations/steps/run-inside.ts';
import type { Runtime } from '../../../src/runtime.ts';
import { engineOfThisMachine } from '../../fakes/container.ts';

const container = { id: 'here', service: 'mariadb' };

function worldWith(timeoutMs: number): Pick<Runtime, 'config' | 'docker'> {
  return {
    config: async () => ({ DOCKER_TIMEOUT: timeoutMs }) as never,
    docker: async () => engineOfThisMachine as never,
  };
}

describe('a short program inside a container', () => {
  it('tells how it ended, and what it said on either stream', async () => {
    const argv = ['sh', '-c', 'echo out; echo err >&2; exit 3'];
    expect(await runInside(worldWith(60_000), container, argv)).toEqual({
      exit: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  it('is waited for no longer than DOCKER_TIMEOUT', async () => {
    await expect(runInside(worldWith(200), container, ['sleep', '600'])).rejects.toMatchObject({
      code: 'timed-out',
      message: 'a program inside mariadb did not end within 200ms',
      field: 'DOCKER_TIMEOUT',
    });
  });
});
