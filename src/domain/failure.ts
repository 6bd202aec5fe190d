/** Every way a command can end, with its exit code and what it means to a script (README prints this table). */
export const failures = {
  bug: { exit: 1, means: 'our bug, or a failure that has no class of its own' },
  usage: { exit: 2, means: 'wrong usage: unknown command, flag or value' },
  'partly-done': { exit: 3, means: 'done with warnings, or only in part' },
  'config-invalid': { exit: 10, means: 'the configuration is missing, invalid or unsafe' },
  locked: { exit: 11, means: 'another run or process holds the lock' },
  'access-denied': { exit: 12, means: 'credentials or permissions were refused' },
  unreachable: { exit: 13, means: 'something mailctl depends on cannot be reached or is missing' },
  'timed-out': { exit: 14, means: 'it did not finish in time' },
  'check-failed': { exit: 20, means: 'a check failed; the data says which' },
  refused: { exit: 21, means: 'refused for safety; nothing was changed' },
  interrupted: { exit: 130, means: 'interrupted by SIGINT (143 by SIGTERM)' },
} as const satisfies Record<string, { exit: number; means: string }>;

export type FailureCode = keyof typeof failures;

interface FailureNote {
  /** What the operator can do next: a command, or where to look. */
  readonly hint: string;
  /** The variable, flag or argument that is wrong. */
  readonly field?: string;
  /** What was found out before it failed; printed under `data` with `--json`. */
  readonly data?: unknown;
  readonly cause?: unknown;
}

/** A failure the operator can act on. Anything else that is thrown is our bug. */
export class OperatorError extends Error {
  readonly code: FailureCode;
  readonly hint: string;
  readonly field: string | undefined;
  readonly data: unknown;

  constructor(code: FailureCode, message: string, note: FailureNote) {
    super(message, { cause: note.cause });
    this.name = 'OperatorError';
    this.code = code;
    this.hint = note.hint;
    this.field = note.field;
    this.data = note.data;
  }

  get exit(): number {
    return failures[this.code].exit;
  }
}
