import type { Choice, Prompts, Question } from '../../src/cli/prompts.ts';
import { run } from '../../src/cli/run.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

/** A terminal that remembers what was written to it. */
export interface FakeTerminal extends Terminal {
  readonly out: () => string;
  readonly err: () => string;
}

interface Options {
  readonly environment?: Terminal['environment'];
  readonly cwd?: string;
  /** Who types: the answer to each question by a word in it. Without it nobody can be asked. */
  readonly answers?: Readonly<Record<string, string | boolean>>;
  readonly isTerminal?: boolean;
}

/** A terminal for tests; nobody sits at it unless there are answers. */
export function fakeTerminal({
  environment = {},
  cwd = '/',
  answers,
  isTerminal = false,
}: Options = {}): FakeTerminal {
  const written = { out: '', err: '' };
  return {
    environment,
    cwd,
    uid: process.getuid?.(),
    stdout: { isTerminal, write: (text) => void (written.out += text) },
    stderr: { isTerminal, write: (text) => void (written.err += text) },
    canAsk: answers !== undefined,
    prompts: async () => fakePrompts(answers ?? {}),
    out: () => written.out,
    err: () => written.err,
  };
}

/** Answers as a person would: a wrong line is asked for again, and here that means an error. */
function fakePrompts(answers: Readonly<Record<string, string | boolean>>): Prompts {
  const find = (question: string) => {
    const answer = Object.entries(answers).find(([word]) => question.includes(word))?.[1];
    if (answer === undefined) throw new Error(`nobody expected the question: ${question}`);
    return answer;
  };
  return {
    confirm: async (question) => find(question) === true,
    text: async ({ message, initial, check }: Question) => {
      const answer = String(find(message)) || (initial ?? '');
      const wrong = check(answer);
      if (wrong !== undefined) throw new Error(`asked again, because it ${wrong}`);
      return answer;
    },
    choose: async <V extends string>(message: string, choices: readonly Choice<V>[]) => {
      const choice = choices.find(({ value }) => value === find(message));
      if (!choice) throw new Error(`${message}: there is no such choice`);
      return choice.value;
    },
  };
}

/** One run of the program in this process: what it printed, and its exit code. */
export async function runInProcess(
  argv: readonly string[],
  options: Options = {},
  stop: AbortSignal = new AbortController().signal,
): Promise<{ readonly exit: number; readonly out: string; readonly err: string }> {
  const terminal = fakeTerminal(options);
  const exit = await run(argv, terminal, stop);
  return { exit, out: terminal.out(), err: terminal.err() };
}
