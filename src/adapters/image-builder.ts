import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { OperatorError } from '../domain/failure.ts';
import { exec } from './exec.ts';

/** An image to be built from a folder. */
export interface ImageToBuild {
  readonly name: string;
  readonly context: string;
  readonly dockerfile: string;
  /** The `.dockerignore`: what of the context goes to the engine. */
  readonly ignore: string;
  readonly arguments: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Builds an image with the engine's BuildKit. Throws `unreachable` with the last lines of the build. */
export async function buildImage(image: ImageToBuild): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mailctl-image-'));
  try {
    const file = join(folder, 'Dockerfile');
    await writeFile(file, image.dockerfile);
    await writeFile(`${file}.dockerignore`, image.ignore);
    const given = Object.entries(image.arguments).flatMap(([name, value]) => [
      '--build-arg',
      `${name}=${value}`,
    ]);
    const { exit, stderr } = await exec(
      ['docker', 'build', '--file', file, '--tag', image.name, ...given, image.context],
      { timeoutMs: image.timeoutMs, environment: { DOCKER_BUILDKIT: '1', BUILDKIT_PROGRESS: 'plain' } },
    );
    if (exit !== 0) throw buildFailure(image.name, stderr);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function buildFailure(name: string, said: string): OperatorError {
  return new OperatorError('unreachable', `the image ${name} could not be built`, {
    hint: 'Where this host cannot reach a registry or packages, load a ready image and name it: MAILCTL_IMAGE',
    cause: new Error(said.trim().split('\n').slice(-8).join('\n')),
  });
}
