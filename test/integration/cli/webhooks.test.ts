import { describe, expect, it } from 'vitest';

import type { Database } from '../../../src/adapters/postgres.ts';
import { testDatabase } from '../../engines/postgres.ts';
import { runInProcess } from '../../fakes/terminal.ts';
import { submit } from '../../store/submit.ts';
import { folderFor, runJson } from './database-folder.ts';

/** A webhook that was given up, as the worker leaves it. */
async function giveUp(db: Database, endpointId: string): Promise<string> {
  const messageId = await submit(db);
  const eventId = messageId.replace('msg', 'evt');
  await db.change(`insert into events (id, message_id, kind, at) values ($1, $2, 'held', now())`, [
    eventId,
    messageId,
  ]);
  await db.change(
    `insert into webhook_deliveries (id, endpoint_id, event_id, body, state, attempts, last_status)
     values ('whd_1', $1, $2, '{}', 'dead', 10, 500)`,
    [endpointId, eventId],
  );
  return 'whd_1';
}

describe('mailctl webhooks', () => {
  it('adds an endpoint and shows its secret once', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);

    const added = await runJson(
      folder,
      'webhooks',
      'add',
      'https://ams.example.com/hooks',
      '--event',
      'message.bounced',
    );
    const { data } = await runJson(folder, 'webhooks', 'list');

    expect(added.data).toMatchObject({ applied: true, changed: 1, secret: expect.stringMatching(/^whsec_/) });
    expect(data.endpoints).toMatchObject([
      { url: 'https://ams.example.com/hooks', state: 'active', events: ['message.bounced'] },
    ]);
    expect(JSON.stringify(data)).not.toContain(added.data.secret);
  });

  it('pauses, resumes and, once agreed to, removes an endpoint', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);
    await runJson(folder, 'webhooks', 'add', 'https://ams.example.com/hooks');
    const list = async () => (await runJson(folder, 'webhooks', 'list')).data.endpoints;
    const [{ id }] = await list();

    await runJson(folder, 'webhooks', 'pause', id);
    expect(await list()).toMatchObject([{ state: 'paused' }]);
    await runJson(folder, 'webhooks', 'resume', id);
    expect(await list()).toMatchObject([{ state: 'active' }]);
    expect(await runJson(folder, 'webhooks', 'remove', id)).toMatchObject({ exit: 21 });
    expect(await list()).toHaveLength(1);
    await runJson(folder, 'webhooks', 'remove', id, '--yes');
    expect(await list()).toEqual([]);
  });

  it('lists what was given up and sends it again', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);
    await runJson(folder, 'webhooks', 'add', 'https://ams.example.com/hooks');
    const [endpoint] = (await runJson(folder, 'webhooks', 'list')).data.endpoints;
    const id = await giveUp(database.db, endpoint.id);
    const list = async (...flags: string[]) =>
      (await runJson(folder, 'webhooks', 'deliveries', ...flags)).data;
    const dead = await list('--state', 'dead');

    const unknown = await runJson(folder, 'webhooks', 'replay', 'whd_other');
    const dry = await runJson(folder, 'webhooks', 'replay', '--all', '--dry-run');
    expect(await list('--state', 'dead')).toEqual(dead);
    const replayed = await runJson(folder, 'webhooks', 'replay', id);

    expect(dead.deliveries).toMatchObject([{ id, state: 'dead', attempts: 10, last_status: 500 }]);
    expect(unknown.data).toMatchObject({ changed: 0, plan: { steps: [] } });
    expect(dry.data).toMatchObject({ applied: false, changed: 1 });
    expect(replayed.data).toMatchObject({ applied: true, changed: 1 });
    expect((await list('--state', 'dead')).deliveries).toEqual([]);
    expect((await list('--state', 'waiting')).deliveries).toMatchObject([{ id, attempts: 0 }]);
    expect((await list('--endpoint', 'whe_other')).deliveries).toEqual([]);
    expect(await list('--limit', '1', '--cursor', id)).toEqual({ deliveries: [], next_cursor: null });
    expect((await runInProcess(['-C', folder.path, 'webhooks', 'deliveries'])).out).toMatch(
      new RegExp(`^${id} {2}waiting .* message.held {2}${endpoint.id} {2}0 attempts {2}next at \\S+\n$`),
    );
  });

  it.each([
    [['add', 'ftp://ams.example.com'], 'url'],
    [['add', 'https://ams.example.com', '--event', 'message.received'], '--event'],
    [['pause', 'whe_nope'], 'id'],
    [['replay'], '--all'],
    [['deliveries', '--state', 'lost'], '--state'],
  ])('refuses %j by name', async (words, field) => {
    await using database = await testDatabase();
    using folder = folderFor(database);

    expect(await runJson(folder, 'webhooks', ...words)).toMatchObject({ exit: 2, error: { field } });
    expect((await runJson(folder, 'webhooks', 'list')).data.endpoints).toEqual([]);
  });

  it('lists what came from Postal and could not be worked out, shows it as it came, and tries it again or dismisses it', async () => {
    await using database = await testDatabase();
    using folder = folderFor(database);
    const quarantine = (...words: string[]) => runJson(folder, 'webhooks', 'quarantine', ...words);
    const [webhook, mail] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
    await database.db.change(
      `insert into postal_webhooks (uuid, event, body, state, reason) values ($1, 'MessageSent', '{"a": 1}', 'quarantined', 'odd')`,
      [webhook],
    );
    await database.db.change(
      `insert into inbound_mail (id, rcpt_to, mail_from, raw, state, reason) values ($1, 'fbl@acme.test', '', 'Subject: x', 'quarantined', 'no report')`,
      [mail],
    );

    const first = await quarantine('list', '--limit', '1');
    expect(first.data).toMatchObject({
      quarantined: [{ id: webhook, kind: 'webhook', about: 'MessageSent', reason: 'odd' }],
      next_cursor: webhook,
    });
    expect((await quarantine('list', '--cursor', webhook)).data).toMatchObject({
      quarantined: [{ id: mail, kind: 'mail', about: 'fbl@acme.test', reason: 'no report' }],
      next_cursor: null,
    });
    expect((await quarantine('show', webhook)).data.quarantined).toMatchObject({ content: '{"a": 1}' });
    expect(await quarantine('retry')).toMatchObject({ exit: 2 });
    expect(await quarantine('retry', webhook, 'nothing')).toMatchObject({ exit: 2 });
    expect((await quarantine('list')).data.quarantined).toHaveLength(2);
    expect((await quarantine('retry', webhook)).data).toMatchObject({ changed: 1, applied: true });
    expect(await database.db.query('select state, reason from postal_webhooks')).toEqual([
      { state: 'new', reason: null },
    ]);
    expect((await quarantine('dismiss', '--all', '--yes')).data).toMatchObject({ changed: 1 });
    expect((await quarantine('list')).data.quarantined).toEqual([]);
  });
});
