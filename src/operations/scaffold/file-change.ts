import { createFile, modeText, setMode, updateFile } from '../steps/files.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Step } from '../plan.ts';
import type { Present } from './folder.ts';

/** What happens to one file, as `init` reports it. */
export interface FileReport {
  readonly path: string;
  readonly action: 'created' | 'changed' | 'kept';
  readonly mode: string;
}

/** The steps for one file, and what is said of it. */
export interface FileChange {
  readonly steps: readonly Step[];
  readonly report: FileReport;
}

interface Wanted {
  readonly path: string;
  readonly content: string | Secret;
  readonly mode: number;
}

/** Makes a file what is wanted: creates it, replaces it, narrows its mode, or leaves it alone. */
export function changeFile({ path, content, mode }: Wanted, present: Present | undefined): FileChange {
  const report = (action: FileReport['action']): FileReport => ({ path, action, mode: modeText(mode) });
  if (!present) return { steps: [createFile({ path, content, mode })], report: report('created') };
  if (present.content !== (typeof content === 'string' ? content : content.reveal())) {
    return {
      steps: [updateFile({ path, content, mode, was: present.content })],
      report: report('changed'),
    };
  }
  if (present.mode !== mode) return { steps: [setMode(path, mode)], report: report('changed') };
  return { steps: [], report: report('kept') };
}
