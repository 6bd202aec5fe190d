import { rmSync } from 'node:fs';

import { exec } from '../../../src/adapters/exec.ts';
import { ensureEngine, stopStartedEngine } from './engine.ts';
import { stackFolder } from './stack.ts';

const timeoutMs = 300_000;

/** Before and after all test files: nothing is left of a stack, of this run or of one that was killed, nor an engine that was started for it. */
export async function setup(): Promise<() => Promise<void>> {
  await clear();
  return async () => {
    await clear();
    await stopStartedEngine();
  };
}

/** By the names that all these tests give: the folder of a killed run may be gone, and its volumes hold other passwords. */
async function clear(): Promise<void> {
  if ((await ensureEngine()) === undefined) {
    await remove(['ps', '-aq', '--filter', 'name=^mailctl-test'], ['rm', '--force', '--volumes']);
    await remove(
      ['ps', '-aq', '--filter', 'label=com.docker.compose.project=mailctl-test-docker'],
      ['rm', '--force', '--volumes'],
    );
    await remove(['volume', 'ls', '-q', '--filter', 'name=^mailctl-test'], ['volume', 'rm']);
    await remove(['network', 'ls', '-q', '--filter', 'name=^mailctl-test'], ['network', 'rm']);
    for (const repository of ['mailctl-test-own', 'mailctl-test-spoilt-own', 'mailctl-test-previous'])
      await remove(
        ['images', '--format', '{{.Repository}}:{{.Tag}}', repository],
        ['image', 'rm', '--force'],
      );
  }
  rmSync(stackFolder, { recursive: true, force: true });
}

async function remove(list: readonly string[], removing: readonly string[]): Promise<void> {
  const found = new Set((await docker(...list)).stdout.split('\n').filter(Boolean));
  if (found.size === 0) return;
  const { exit, stderr } = await docker(...removing, ...found);
  if (exit !== 0) throw new Error(`an earlier run left what cannot be removed: ${stderr}`);
}

function docker(...words: readonly string[]) {
  return exec(['docker', ...words], { timeoutMs });
}
