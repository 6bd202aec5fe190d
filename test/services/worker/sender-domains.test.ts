import { expect, it } from 'vitest';

import type { Database } from '../../../src/adapters/postgres.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { senderDomains } from '../../../src/services/worker/sender-domains.ts';
import { listeningLog } from '../relay/journal/fixture.ts';

it('keeps nothing of a mail server that Postal has no more, and says so', async () => {
  const { log, lines } = listeningLog();
  const kept: unknown[] = [];
  const db: Pick<Database, 'query' | 'change'> = {
    query: async <R>() => [{ at: new Date() }] as R[],
    change: async (text) => kept.push(text),
  };
  const { turn } = senderDomains({
    db: db as Database,
    log,
    postalDatabase: {
      session: (work) =>
        work({
          query: async <R>(text: string) => (text.includes('.credentials') ? [{ id: 7 }] : []) as R[],
          command: async () => undefined,
        }),
    },
    config: {
      POSTAL_DOMAINS_INTERVAL: 1_000,
      POSTAL_DB_NAME: 'postal',
      POSTAL_DB_MESSAGE_PREFIX: 'postal',
      POSTAL_API_KEY: new Secret('key'),
    },
  });
  await turn(new AbortController().signal, () => undefined);

  expect(kept).toEqual([]);
  expect(lines).toMatchObject([{ level: 'warn', msg: expect.stringContaining('no mail server') }]);
});
