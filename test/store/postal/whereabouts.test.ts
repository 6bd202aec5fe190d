import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { mariadbAt, type MariadbSession } from '../../../src/adapters/mariadb.ts';
import { Secret } from '../../../src/domain/secret.ts';
import type { PostalDatabases } from '../../../src/store/postal/mail-server.ts';
import { findWhereabouts } from '../../../src/store/postal/whereabouts.ts';
import { postalDatabases, type TestPostal } from '../../engines/postal-databases.ts';

let postal: TestPostal;
beforeEach(async () => {
  postal = await postalDatabases();
});
afterEach(async () => {
  await postal[Symbol.asyncDispose]();
});

const tidyMs = 86_400_000;
const key = 'Qw3rTyUiOpAsDfGhJkLz@mail.acme.test';

interface Stored {
  readonly to: string;
  readonly mailFrom?: string;
  readonly isQueued?: boolean;
  readonly isAttempted?: boolean;
  readonly serverId?: number;
  readonly ageSeconds?: number;
}

let lastId = 0;
async function store({
  to,
  mailFrom = key,
  isQueued,
  isAttempted,
  serverId = 7,
  ageSeconds = 0,
}: Stored): Promise<number> {
  lastId += 1;
  const id = lastId;
  await postal.run(
    `insert into \`${postal.messages}\`.messages (id, token, rcpt_to, mail_from, timestamp) values (?, ?, ?, ?, unix_timestamp(now(6)) - ?)`,
    [id, `token${id}`, to, mailFrom, ageSeconds],
  );
  if (isQueued)
    await postal.run('insert into queued_messages (server_id, message_id) values (?, ?)', [serverId, id]);
  if (isAttempted)
    await postal.run(
      `insert into \`${postal.messages}\`.deliveries (message_id, status) values (?, 'Held')`,
      [id],
    );
  return id;
}

async function ask(recipients: readonly string[], changes: Partial<PostalDatabases> = {}) {
  return mariadbAt(postal.reader).session((session) =>
    findWhereabouts(session, { ...postal.names, ...changes }, { mailFrom: key, recipients, tidyMs }),
  );
}

describe('what Postal has of a message', () => {
  it('is told apart for each recipient: queued, tried, left behind, perhaps tidied away, and not there', async () => {
    const queued = await store({ to: 'queued@example.test', isQueued: true });
    const tried = await store({ to: 'tried@example.test', isAttempted: true });
    const both = await store({ to: 'both@example.test', isQueued: true, isAttempted: true });
    const orphan = await store({ to: 'orphan@example.test', ageSeconds: 86_000 });
    const tidied = await store({ to: 'tidied@example.test', ageSeconds: 86_500 });
    const old = await store({ to: 'old@example.test', ageSeconds: 86_500, isAttempted: true });

    const found = await ask(
      ['queued', 'tried', 'both', 'orphan', 'tidied', 'old', 'absent'].map((name) => `${name}@example.test`),
    );
    expect(Object.fromEntries(found)).toEqual({
      'queued@example.test': { at: 'postal', name: { id: queued, token: `token${queued}` } },
      'tried@example.test': { at: 'postal', name: { id: tried, token: `token${tried}` } },
      'both@example.test': { at: 'postal', name: { id: both, token: `token${both}` } },
      'orphan@example.test': { at: 'orphan', name: { id: orphan, token: `token${orphan}` } },
      'tidied@example.test': { at: 'tidied', name: { id: tidied, token: `token${tidied}` } },
      'old@example.test': { at: 'postal', name: { id: old, token: `token${old}` } },
      'absent@example.test': { at: 'nowhere' },
    });
  });

  it.each([
    ['a letter in another case', 'Ann@example.test', 'ann@example.test'],
    ['an accent', 'josé@example.test', 'jose@example.test'],
    ['a trailing space', 'ann@example.test ', 'ann@example.test'],
    ['a composed letter', 'e\u0301ve@example.test', '\u00e9ve@example.test'],
    ['a sharp s', 'strasse@example.test', 'straße@example.test'],
    ['nothing at all', '', ' '],
  ])('is not mistaken for that of an address that differs only in %s', async (_, there, asked) => {
    await store({ to: there, isQueued: true });
    expect(await ask([asked])).toEqual(new Map([[asked, { at: 'nowhere' }]]));
    expect((await ask([there])).get(there)).toMatchObject({ at: 'postal' });
  });

  it('is not mistaken for that of a message whose key differs only in case', async () => {
    await store({ to: 'ann@example.test', mailFrom: key.toUpperCase(), isQueued: true });
    await store({ to: 'bob@example.test', mailFrom: `${key} `, isQueued: true });
    const found = await ask(['ann@example.test', 'bob@example.test']);
    expect([...found.values()]).toEqual([{ at: 'nowhere' }, { at: 'nowhere' }]);
  });

  it("does not take another mail server's queue entry of the same id for its own", async () => {
    await store({ to: 'ann@example.test', isQueued: true, serverId: 8 });
    expect((await ask(['ann@example.test'])).get('ann@example.test')).toMatchObject({ at: 'orphan' });
  });

  it('is the copy that Postal sends, where an earlier one was left behind', async () => {
    await store({ to: 'ann@example.test' });
    const sent = await store({ to: 'ann@example.test', isAttempted: true });
    await store({ to: 'ann@example.test' });
    expect((await ask(['ann@example.test'])).get('ann@example.test')).toMatchObject({
      at: 'postal',
      name: { id: sent },
    });
  });

  it.each([1, 2, 3])('is seen when it is delivered right before read %i of it', async (read) => {
    const id = await store({ to: 'ann@example.test', isQueued: true });
    let reads = -1;
    const deliverBefore = (session: MariadbSession): MariadbSession => ({
      ...session,
      query: async (text, values) => {
        reads += 1;
        if (reads === read) {
          await postal.run(
            `insert into \`${postal.messages}\`.deliveries (message_id, status) values (?, 'Sent')`,
            [id],
          );
          await postal.run('delete from queued_messages where message_id = ?', [id]);
        }
        return session.query(text, values);
      },
    });
    const found = await mariadbAt(postal.reader).session((session) =>
      findWhereabouts(deliverBefore(session), postal.names, {
        mailFrom: key,
        recipients: ['ann@example.test'],
        tidyMs,
      }),
    );
    expect(reads).toBe(3);
    expect(found.get('ann@example.test')).toMatchObject({ at: 'postal', name: { id } });
  });

  it('is found through the index, however much Postal has stored', async () => {
    await store({ to: 'ann@example.test', isQueued: true });
    await postal.run(
      `insert into \`${postal.messages}\`.messages (token, rcpt_to, mail_from) select seq, seq, concat(seq, '@mail.acme.test') from seq_1_to_5000`,
    );
    await postal.run('insert into queued_messages (server_id, message_id) select 7, seq from seq_2_to_5000');
    await postal.run(`analyze table \`${postal.messages}\`.messages, queued_messages`);
    const plans: string[] = [];
    await mariadbAt(postal.reader).session(async (session) => {
      const explaining: MariadbSession = {
        ...session,
        query: async (text, values) => {
          if (text.includes('mail_from'))
            for (const { table, key: index } of await session.query(`explain ${text}`, values))
              plans.push(`${String(table)} ${String(index)}`);
          return session.query(text, values);
        },
      };
      await findWhereabouts(explaining, postal.names, {
        mailFrom: key,
        recipients: ['ann@example.test'],
        tidyMs,
      });
    });
    expect([...new Set(plans)]).toEqual([
      'm on_mail_from',
      'q index_queued_messages_on_message_id',
      'd on_message_id',
    ]);
  });
});

describe('a look-up that cannot be made', () => {
  it('says so when no mail server has the API key, rather than that nothing is there', async () => {
    await expect(ask(['ann@example.test'], { apiKey: new Secret('unknown') })).rejects.toMatchObject({
      code: 'access-denied',
      field: 'POSTAL_API_KEY',
    });
  });

  it('says so when a database has another name, a quote in it included', async () => {
    await expect(ask(['ann@example.test'], { main: 'po`stal' })).rejects.toMatchObject({
      code: 'access-denied',
    });
    await expect(ask(['ann@example.test'], { messagePrefix: 'other' })).rejects.toMatchObject({
      code: 'access-denied',
    });
  });
});

describe('the user that looks up', () => {
  it('may write nothing', async () => {
    const write = mariadbAt(postal.reader).session((session) =>
      session.query(`delete from \`${postal.names.main}\`.queued_messages`),
    );
    await expect(write).rejects.toMatchObject({ code: 'access-denied' });
  });
});
