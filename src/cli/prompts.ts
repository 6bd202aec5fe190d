import inquirer from 'inquirer';

import { OperatorError } from '../domain/failure.ts';

/** Asks a yes-or-no question on the terminal; no is the default. */
export async function askToConfirm(question: string): Promise<boolean> {
  const { agreed } = await asking(() =>
    inquirer.prompt<{ agreed: boolean }>([
      { type: 'confirm', name: 'agreed', message: question, default: false },
    ]),
  );
  return agreed;
}

/** A question whose answer must pass `check`, which returns what is wrong with it. */
export interface Question {
  readonly message: string;
  readonly initial?: string;
  check(answer: string): string | undefined;
}

/** Asks for a line of text until it is right. */
export async function askForText({ message, initial, check }: Question): Promise<string> {
  const { answer } = await asking(() =>
    inquirer.prompt<{ answer: string }>([
      {
        type: 'input',
        name: 'answer',
        message,
        ...(initial !== undefined && { default: initial }),
        validate: (text: string) => check(text.trim()) ?? true,
      },
    ]),
  );
  return answer.trim();
}

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  return ask().catch((cause: unknown) => {
    if (cause instanceof Error && cause.name === 'ExitPromptError') {
      throw new OperatorError('interrupted', 'interrupted; nothing was changed', {
        hint: 'Run it again when you are ready',
      });
    }
    throw cause;
  });
}

/** Asks to choose one of a few. */
export async function askToChoose<V extends string>(
  message: string,
  choices: readonly { readonly name: string; readonly value: V }[],
): Promise<V> {
  const { answer } = await asking(() =>
    inquirer.prompt<{ answer: string }>([{ type: 'select', name: 'answer', message, choices: [...choices] }]),
  );
  const chosen = choices.find(({ value }) => value === answer);
  if (!chosen) throw new TypeError(`the prompt answered ${answer}, which was no choice`);
  return chosen.value;
}
