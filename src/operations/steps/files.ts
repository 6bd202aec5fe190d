import { join } from 'node:path';

import type { Secret } from '../../domain/secret.ts';
import type { Step } from '../plan.ts';

interface FileToWrite {
  /** Relative to the operator's folder. */
  readonly path: string;
  readonly content: string | Secret;
  readonly mode: number;
}

/** Writes a file that is not there; fails when another run made one meanwhile. */
export function createFile({ path, content, mode }: FileToWrite): Step {
  return {
    do: 'write',
    what: `write ${path} (${modeText(mode)})`,
    run: ({ dir, files }) => files.create(join(dir, path), textOf(content), mode),
  };
}

/** Replaces a file that was looked at; fails when another run changed it meanwhile. */
export function updateFile({ path, content, mode, was }: FileToWrite & { readonly was: string }): Step {
  return {
    do: 'write',
    what: `add to ${path} (${modeText(mode)})`,
    run: ({ dir, files }) => files.update(join(dir, path), textOf(content), was, mode),
  };
}

/** Changes who may read a file. */
export function setMode(path: string, mode: number): Step {
  return {
    do: 'set-mode',
    what: `set ${path} to ${modeText(mode)}`,
    run: ({ dir, files }) => files.setMode(join(dir, path), mode),
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

function textOf(content: string | Secret): string {
  return typeof content === 'string' ? content : content.reveal();
}

/** A mode as `ls` users write it: `0600`. */
export function modeText(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
