import type { Prompts } from './prompts.ts';

/** The process as the command line sees it; `main.ts` passes the real one, tests pass one they can look into. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The current folder; undefined when it was removed meanwhile. */
  readonly cwd: string | undefined;
  readonly uid: number | undefined;
  /** The result. */
  readonly stdout: TextSink;
  /** The conversation. */
  readonly stderr: TextSink;
  /** True where a person can be asked. */
  readonly canAsk: boolean;
  /** What asks that person, loaded when the first question comes. */
  prompts(): Promise<Prompts>;
}

export interface TextSink {
  readonly isTerminal: boolean;
  write(text: string): void;
}
