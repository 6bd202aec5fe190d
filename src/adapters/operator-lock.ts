import { mkdir } from 'node:fs/promises';

import { OperatorError } from '../domain/failure.ts';
import { type Errand, type Holder, ownDirectory } from './directory-owner.ts';

/** The right of one act to change things, until it is disposed. */
export interface OperatorLock extends AsyncDisposable {
  /** The act that died while it held the lock. */
  readonly left: Holder | undefined;
}

/**
 * Takes the lock at `path` for one act. Throws OperatorError `locked`, naming who holds it, since when and for which command;
 * the lock of a process that died is free at once, and that of another machine after it was silent for `silentAfterMs`.
 */
export async function takeLock(path: string, errand: Errand, silentAfterMs: number): Promise<OperatorLock> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const owner = await ownDirectory(path, silentAfterMs, errand).catch((cause: unknown) => {
    throw cause instanceof OperatorError && cause.code === 'locked' ? held(cause) : cause;
  });
  const beating = setInterval(() => void owner.beat().catch(() => undefined), silentAfterMs / 4);
  beating.unref();
  return {
    left: owner.left,
    [Symbol.asyncDispose]: async () => {
      clearInterval(beating);
      await owner.release();
    },
  };
}

function held({ data }: OperatorError): OperatorError {
  const holder = data as Holder | undefined;
  return new OperatorError(
    'locked',
    `${describeHolder(holder)} is at work in this folder; nothing was changed`,
    {
      hint: 'Wait until it is done, or look at that process; a process that has died holds nothing',
      data: holder && { holder },
    },
  );
}

function describeHolder(holder: Holder | undefined): string {
  if (!holder) return 'another run';
  const { who = 'somebody', command = '?', pid, host, since } = holder;
  return `mailctl ${command} (${who}, process ${pid} on ${host}, since ${since})`;
}
