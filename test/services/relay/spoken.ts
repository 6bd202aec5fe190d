import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemRandom } from '../../../src/adapters/random.ts';
import { newId } from '../../../src/domain/id.ts';
import type { Submission } from '../../../src/domain/submission.ts';
import { acceptMessage, type Kept } from '../../../src/services/relay/accept.ts';
import type { Accepted } from '../../../src/services/relay/journal/journal.ts';
import { openBody } from '../../../src/services/relay/body.ts';
import { openRecentMessages } from '../../../src/services/relay/recent-messages.ts';
import { wholeOf } from '../../../src/services/relay/octets.ts';
import { openPool } from '../../../src/services/relay/pool.ts';
import { openBudget } from '../../../src/services/relay/budget.ts';
import type { Answers } from '../../../src/services/relay/answers.ts';
import { type Conversation, openConversation } from '../../../src/services/relay/conversation.ts';
import type { Policy, Protection } from '../../../src/services/relay/session.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import { silentLog } from '../../../src/adapters/log.ts';

export const ann = { id: 'usr_ann', username: 'ann', senderDomains: ['example.com'] };
const password = 'the right password';
const policy: Omit<Policy, 'protection'> & { readonly maxCommandBytes: number } = {
  hostname: 'relay.example.com',
  mailDomain: 'example.com',
  maxMessageBytes: 100_000,
  maxLineBytes: 1_000,
  maxRecipients: 3,
  maxCommands: 30,
  maxErrors: 6,
  maxLoginFailures: 3,
  maxCommandBytes: 512,
};

export interface Spoken {
  readonly conversation: Conversation;
  /** What was said since it was last asked, replies and events such as `(closed)`, a line each. */
  heard(): string;
  readonly kept: Submission[];
  /** Waits until nothing is asked of the world. */
  settled(): Promise<void>;
  readonly failures: unknown[];
  /** From now on the client does not read what is said. */
  deafen(): void;
}

export interface SpokenOptions {
  readonly protection: Protection;
  readonly answers?: Partial<Answers>;
  readonly policy?: Partial<Policy>;
  readonly keep?: (submission: Submission) => Promise<Kept>;
  readonly spillBytes?: number;
  readonly spillDir?: string;
  readonly memoryBytes?: number;
}

/** What comes of the logins of these, whatever password they show. */
const outcomes: Readonly<Record<string, 'unavailable' | 'expired'>> = {
  away: 'unavailable',
  over: 'expired',
};

/** A conversation without a socket; ids and times are always the same. */
export function speak(options: SpokenOptions): Spoken {
  let text = '';
  let ids = 0;
  let isDeaf = false;
  const kept: Submission[] = [];
  const failures: unknown[] = [];
  const budget = openBudget(options.memoryBytes ?? 1_000_000);
  const pool = openPool(2, 1_000);
  const acceptance = {
    clock: { now: () => new Date('2026-01-01T00:00:00Z') },
    recent: openRecentMessages(systemClock, { windowMs: 60_000, most: 100 }),
    newId: (at: Date) => newId('msg', at, Buffer.alloc(10, (ids += 1))),
    log: silentLog,
    hostname: policy.hostname,
    tracesClient: true,
    refusalOfSenders: () => undefined,
    maxHeaderBytes: 10_000,
    keep: async (accepted: Accepted): Promise<Kept> => {
      const submission = { ...accepted, raw: Buffer.from(await wholeOf(accepted.raw)) };
      const end = (await options.keep?.(submission)) ?? { kind: 'stored' };
      if (end.kind === 'stored') kept.push(submission);
      return end;
    },
  };
  const conversation = openConversation({
    policy: { ...policy, ...options.policy, protection: options.protection },
    answers: {
      admit: () => 'welcome',
      verify: ({ username, password: shown }) =>
        username === ann.username && shown.reveal() === password
          ? { outcome: 'accepted', credential: ann }
          : { outcome: outcomes[username] ?? 'refused' },
      permit: (credential) => ({ outcome: 'permitted', credential }),
      store: (ask, body) => acceptMessage(acceptance, ask, { body, address: '192.0.2.1' }),
      ...options.answers,
    },
    peer: {
      send: (said) => {
        text += said;
        return !isDeaf;
      },
      secure: async () => {
        text += '(handshake)\r\n';
      },
      pause: () => undefined,
      resume: () => undefined,
      hangUp: () => {
        text += '(closed)\r\n';
      },
    },
    openBody: () =>
      openBody({
        spillPath: () => join(options.spillDir ?? tmpdir(), systemRandom.letters(20)),
        spillBytes: options.spillBytes ?? 1_000_000,
        budget,
        pool,
      }),
    said: () => undefined,
    failed: (error) => failures.push(error),
  });
  return {
    conversation,
    kept,
    failures,
    deafen: () => {
      isDeaf = true;
    },
    heard: () => {
      const said = text;
      text = '';
      return said;
    },
    settled: async () => {
      while (conversation.isAsking()) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
