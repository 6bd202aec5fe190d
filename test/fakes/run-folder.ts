import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ownDirectory } from '../../src/adapters/directory-owner.ts';
import { openFiles } from '../../src/adapters/files.ts';
import type { RunMailctl } from '../../src/upkeep/scheduled-run.ts';
import { temporaryFolder } from '../cli/folders.ts';

/** An operator's folder with a mailctl that ends as the test says. */
export function runFolder(mailctl: RunMailctl) {
  const folder = temporaryFolder();
  return {
    dir: folder.path,
    world: { dir: folder.path, files: openFiles(process.getuid?.()), own: ownDirectory, mailctl },
    runs: async (name: string) => {
      const text = await readFile(join(folder.path, `state/runs/${name}.runs.json`), 'utf8');
      return (JSON.parse(text) as { readonly runs: readonly Record<string, unknown>[] }).runs;
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}
