import { join } from 'node:path';

import type { Secret } from '../../domain/secret.ts';
import type { Step } from '../plan.ts';

interface FileToWrite {
  /** Relative to the operator's folder. */
  readonly path: string;
  readonly content: string | Secret;
  readonly mode: number;
}

/** Writes a file whole, with its mode, or leaves the old one. */
export function writeFile({ path, content, mode }: FileToWrite): Step {
  return {
    do: 'write',
    what: `write ${path} (${modeText(mode)})`,
    run: ({ dir, files }) =>
      files.write(join(dir, path), typeof content === 'string' ? content : content.reveal(), mode),
  };
}

/** Makes a folder, and those above it. */
export function makeFolder(path: string, mode: number): Step {
  return {
    do: 'make-folder',
    what: `make the folder ${path} (${modeText(mode)})`,
    run: ({ dir, files }) => files.makeFolder(join(dir, path), mode),
  };
}

/** A mode as `ls` users write it: `0600`. */
export function modeText(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
