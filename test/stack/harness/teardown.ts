import { existsSync, rmSync } from 'node:fs';

import { stopStartedEngine } from './engine.ts';
import { stackFolder, stackIn, stackName } from './stack.ts';

/** Before and after all test files: nothing of a stack is left, nor an engine that was started for it. */
export async function setup(): Promise<() => Promise<void>> {
  await clear();
  return async () => {
    await clear();
    await stopStartedEngine();
  };
}

async function clear(): Promise<void> {
  if (!existsSync(stackFolder)) return;
  await stackIn(stackFolder).mailctl('down', '--volumes', '--confirm', stackName, '--yes');
  rmSync(stackFolder, { recursive: true, force: true });
}
