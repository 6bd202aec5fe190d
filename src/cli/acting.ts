import { OperatorError } from '../domain/failure.ts';
import type { Runtime } from '../runtime.ts';
import type { Output } from './output.ts';
import type { Terminal } from './terminal.ts';

/** One act from its lock to its line in the history. */
export interface Acting extends AsyncDisposable {
  /** Waits for what is carried out, and writes down how it ended. */
  record(work: Promise<void>): Promise<void>;
}

interface Scene {
  readonly runtime: Runtime;
  readonly output: Output;
  readonly terminal: Terminal;
  readonly written: string;
}

/**
 * Takes the folder's lock. Throws `locked` while another act holds it. Where the folder cannot be written, as on a full disk
 * or a read-only mount, the act goes on without lock and history, and says so.
 */
export async function beginAct({ runtime, output, terminal, written }: Scene): Promise<Acting> {
  const errand = { who: whoever(terminal), command: written };
  const lock = await runtime.lock(errand).catch((cause: unknown) => {
    if (cause instanceof OperatorError && cause.code !== 'config-invalid') throw cause;
    output.warn(`no lock was taken, as state/ cannot be written: ${reason(cause)}`);
    return undefined;
  });
  const keep = (act: {
    readonly at: string;
    readonly who: string;
    readonly command: string;
    readonly result: string;
  }) =>
    runtime.history.append(act).catch((cause: unknown) => {
      if (!isAbsent(cause)) output.warn(`state/history cannot be written: ${reason(cause)}`);
    });
  if (lock?.left) {
    const { who = 'somebody', command = '?', since, pid, host } = lock.left;
    output.warn(
      `mailctl ${command} (${who}, process ${pid} on ${host}, since ${since}) died; its lock is taken over`,
    );
    await keep({ at: since, who, command, result: 'killed' });
  }
  return {
    record: async (work) => {
      const at = runtime.clock.now().toISOString();
      const result = await work.then(
        () => 'done',
        (cause: unknown) => ({ cause }),
      );
      const failed = typeof result === 'object';
      await keep({ at, ...errand, result: failed ? codeOf(result.cause) : result });
      if (failed) throw result.cause;
    },
    [Symbol.asyncDispose]: async () => lock?.[Symbol.asyncDispose](),
  };
}

/** Who acts, as the history names them. */
export function whoever({ environment, uid }: Terminal): string {
  const named = ['SUDO_USER', 'USER', 'LOGNAME'].map((name) => environment[name]).find((name) => name);
  return named ?? `uid ${uid ?? '?'}`;
}

function codeOf(cause: unknown): string {
  return cause instanceof OperatorError ? cause.code : 'bug';
}

function reason(cause: unknown): string {
  const root = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return root instanceof Error ? root.message : String(root);
}

/** No folder, no history: `init` may have failed before it made one, and some folders hold nothing but a command's input. */
function isAbsent(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
