import type { Body } from './body.ts';
import type { Login } from './sasl.ts';
import type {
  AdmitAnswer,
  Ask,
  Credential,
  Input,
  PermitAnswer,
  StoreAnswer,
  VerifyAnswer,
} from './session.ts';

/** Known at once, or later. */
export type Soon<T> = T | Promise<T>;

export type StoreAsk = Extract<Ask, { ask: 'store' }>;

/** Who answers what a session asks. What is known at once is best answered without a promise. */
export interface Answers {
  admit(): Soon<AdmitAnswer>;
  verify(login: Login): Soon<VerifyAnswer>;
  permit(credential: Credential): Soon<PermitAnswer>;
  /** Resolves `stored` only when the message is durable. The body is closed by the caller. */
  store(ask: StoreAsk, body: Body): Promise<StoreAnswer>;
}

/** What the conversation itself brings to an answer. */
export interface OwnPart {
  secure(): Promise<void>;
  store(ask: StoreAsk): Promise<StoreAnswer>;
  failed(error: unknown): void;
}

/** The input that answers an ask. */
export function answerAsk(ask: Ask, answers: Answers, own: OwnPart): Soon<Input> {
  switch (ask.ask) {
    case 'admit':
      return whenKnown(answers.admit(), (answer) => ({ got: 'admit', answer }), own);
    case 'verify':
      return whenKnown(answers.verify(ask.login), (answer) => ({ got: 'verify', answer }), own);
    case 'permit':
      return whenKnown(answers.permit(ask.credential), (answer) => ({ got: 'permit', answer }), own);
    case 'secure':
      return whenKnown(own.secure(), () => ({ got: 'secure' }), own);
    case 'store':
      return whenKnown(own.store(ask), (answer) => ({ got: 'store', answer }), own);
  }
}

/** An answer that fails ends this session alone: a decision, made here for all asks. */
function whenKnown<T>(answer: Soon<T>, input: (answer: T) => Input, { failed }: OwnPart): Soon<Input> {
  if (!(answer instanceof Promise)) return input(answer);
  return answer.then(input, (error: unknown): Input => {
    failed(error);
    return { got: 'fault' };
  });
}
