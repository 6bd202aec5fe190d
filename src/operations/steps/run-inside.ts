import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

import type { Container } from '../../adapters/container.ts';
import type { Executed } from '../../adapters/docker.ts';
import { formatDuration } from '../../domain/duration.ts';
import { OperatorError } from '../../domain/failure.ts';
import type { Runtime } from '../../runtime.ts';

/** How a program ended, and what it printed. */
export interface EndedInside extends Executed {
  readonly stdout: string;
}

/** Runs a short program inside a running container. Throws `timed-out` for one that does not end within DOCKER_TIMEOUT. */
export async function runInside(
  world: Pick<Runtime, 'config' | 'docker'>,
  { id, service }: Pick<Container, 'id' | 'service'>,
  argv: readonly string[],
): Promise<EndedInside> {
  const { DOCKER_TIMEOUT } = await world.config('operator');
  const docker = await world.docker();
  const stop = AbortSignal.timeout(DOCKER_TIMEOUT);
  const output = new PassThrough();
  const heard = text(output);
  const ended = await docker.exec(id, { argv, stdout: output, stop });
  output.end();
  const stdout = await heard;
  if (!stop.aborted || ended.exit >= 0) return { ...ended, stdout };
  throw new OperatorError(
    'timed-out',
    `a program inside ${service} did not end within ${formatDuration(DOCKER_TIMEOUT)}`,
    {
      hint: `See how it is: mailctl status; allow more time: DOCKER_TIMEOUT`,
      field: 'DOCKER_TIMEOUT',
      cause: new Error(ended.stderr.trim()),
    },
  );
}
