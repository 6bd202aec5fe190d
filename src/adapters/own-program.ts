import { exec, type ExecOptions, type Finished } from './exec.ts';

/** How this very program was started: node, its flags and the script. */
export function ownProgram(): readonly [string, ...string[]] {
  return [process.execPath, ...process.execArgv, process.argv[1] ?? ''];
}

/** Runs this program once more, with other words. */
export function runOwnProgram(words: readonly string[], options: ExecOptions): Promise<Finished> {
  return exec([...ownProgram(), ...words], options);
}
