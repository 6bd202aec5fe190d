import inquirer from 'inquirer';

import { OperatorError } from '../domain/failure.ts';

/** A question whose answer must pass `check`, which returns what is wrong with it. */
export interface Question {
  readonly message: string;
  readonly initial?: string;
  check(answer: string): string | undefined;
}

/** Questions to a person. Each throws `interrupted` when the person leaves instead of answering. */
export interface Prompts {
  /** A yes-or-no question; no is the default. */
  confirm(question: string): Promise<boolean>;
  /** A line of text, asked until it is right. */
  text(question: Question): Promise<string>;
  /** One of a few. */
  choose<V extends string>(message: string, choices: readonly Choice<V>[]): Promise<V>;
}

export interface Choice<V extends string> {
  readonly name: string;
  readonly value: V;
}

/** Asks on a terminal. Questions go where the conversation goes, so that stdout holds the result alone. */
export function openPrompts(
  streams: { readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream },
  stop: AbortSignal,
): Prompts {
  const prompt = inquirer.createPromptModule({ ...streams, signal: stop });
  return {
    confirm: async (message) => {
      const { agreed } = await asking(() =>
        prompt<{ agreed: boolean }>([{ type: 'confirm', name: 'agreed', message, default: false }]),
      );
      return agreed;
    },
    text: async ({ message, initial, check }) => {
      const given = initial === undefined ? {} : { default: initial };
      const validate = (text: string) => check(text.trim()) ?? true;
      const { answer } = await asking(() =>
        prompt<{ answer: string }>([{ type: 'input', name: 'answer', message, ...given, validate }]),
      );
      return answer.trim();
    },
    choose: async (message, choices) => {
      const { answer } = await asking(() =>
        prompt<{ answer: string }>([{ type: 'select', name: 'answer', message, choices: [...choices] }]),
      );
      const chosen = choices.find(({ value }) => value === answer);
      if (!chosen) throw new TypeError(`the prompt answered ${answer}, which was no choice`);
      return chosen.value;
    },
  };
}

const left = new Set(['ExitPromptError', 'AbortPromptError']);

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  return ask().catch((cause: unknown) => {
    if (!(cause instanceof Error) || !left.has(cause.name)) throw cause;
    throw new OperatorError('interrupted', 'interrupted; nothing was changed', {
      hint: 'Run it again when you are ready',
    });
  });
}
