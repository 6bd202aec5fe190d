import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/adapters/clock.ts';
import { openLog } from '../../../src/adapters/log.ts';
import { systemRandom } from '../../../src/adapters/random.ts';
import { newId } from '../../../src/domain/id.ts';
import type { LookUp } from '../../../src/services/worker/doubt.ts';
import type { Running } from '../../../src/services/running.ts';
import { changeQueue } from '../../../src/store/queue-changes.ts';
import { recordBlock, sendingState } from '../../../src/store/sending.ts';
import { until } from '../../store/until.ts';
import { folderFor, runJson } from '../cli/database-folder.ts';
import { listen, openRig, type Rig } from './rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await openRig();
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

const states = async (id: string) => (await rig.recipients(id)).map(({ state }) => state);
const all = (state: string) => (rows: readonly string[]) => rows.every((row) => row === state);

const emptyQueue = () =>
  until(
    () => rig.db.query('select id from messages where next_attempt_at is not null'),
    (left) => left.length === 0,
  );

describe('a hand-over that Postal refuses for good', () => {
  it('fails the message with a reason for the operator', async () => {
    await rig.work();
    const id = await rig.submit({ from: 'news@elsewhere.test' });

    await until(() => states(id), all('failed'));
    expect((await rig.recipients(id))[0]?.detail).toContain('not a verified domain');
    expect(await rig.events(id)).toEqual(['received', 'failed']);
    await emptyQueue();
  });
});

/** The problems that stand in the way by the worker's metrics. */
async function blockedInMetrics({ addresses }: Running): Promise<readonly string[]> {
  const { host, port } = addresses['health'] ?? { host: '', port: 0 };
  const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
  const set = text.matchAll(/^mailctl_sending_blocked\{problem="([^"]+)"[^}]*\} 1$/gm);
  return [...set].map(([, problem = '']) => problem);
}

describe('a Postal that lets nothing through', () => {
  it('keeps every message queued without burning an attempt, says why, and goes on by itself', async () => {
    rig.postal.order({ kind: 'server-suspended' });
    await rig.work();
    const ids = [await rig.submit(), await rig.submit(), await rig.submit()];

    const blocked = await until(
      () => sendingState(rig.db),
      (seen) => seen?.blockedProblem === 'suspended',
    );
    expect(blocked?.blockedReason).toContain('suspended in Postal');
    const rows = await until(
      () =>
        rig.db.query<{ attempts: number; state: string }>(
          'select attempts, state from messages join recipients on id = message_id',
        ),
      (seen) => seen.every(({ state }) => state === 'queued'),
    );
    expect(rows.map(({ attempts }) => attempts)).toEqual([0, 0, 0]);

    rig.postal.reset();
    for (const id of ids) await until(() => states(id), all('delivered'));
    expect(
      await until(
        () => sendingState(rig.db),
        (seen) => seen?.blockedAt === null,
      ),
    ).toMatchObject({
      blockedProblem: null,
    });
  });

  it('is on record no longer than it lasts, also where the worker that met it is gone and another one hands over', async () => {
    await rig.work({ WORKER_UPKEEP_INTERVAL: '20ms' });
    const first = await rig.submit();
    await until(() => states(first), all('delivered'));
    await recordBlock(rig.db, { problem: 'suspended', reason: 'the mail server is suspended in Postal' });

    await until(
      async () => {
        await rig.submit();
        return sendingState(rig.db);
      },
      (seen) => seen?.blockedAt === null,
    );
  });

  it('is an alert while it lasts: in the log, in the metrics and in mailctl status', async () => {
    rig.postal.order({ kind: 'server-suspended' });
    using folder = folderFor(rig);
    const lines: string[] = [];
    const log = openLog('worker', 'info', { write: (line) => void lines.push(line) });
    const worker = await rig.work({}, { log });
    const id = await rig.submit();

    const blocked = await until(
      () => sendingState(rig.db),
      (seen) => seen?.blockedProblem === 'suspended',
    );
    expect(await blockedInMetrics(worker)).toEqual(['suspended']);
    const alerts = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error');
    expect(alerts).toMatchObject([{ problem: 'suspended', reason: blocked?.blockedReason }]);
    const { exit, data } = await runJson(folder, 'status');
    expect({ exit, healthy: data.healthy }).toEqual({ exit: 20, healthy: false });
    expect(data.problems).toContain(`nothing gets through to Postal: ${blocked?.blockedReason}`);

    rig.postal.reset();
    await until(() => states(id), all('delivered'));
    await until(
      () => blockedInMetrics(worker),
      (problems) => problems.length === 0,
    );
    const over = await until(
      async () => (await runJson(folder, 'status')).data,
      (seen) => !JSON.stringify(seen.problems).includes('through to Postal'),
    );
    expect(over.sending).toMatchObject({ paused: false, reason: null });
  });

  it.each([
    ['a wrong key', { POSTAL_API_KEY: 'WrongKeyWrongKeyWrongKey' }, 'invalid-key'],
    ['a wrong host name', { POSTAL_HOSTNAME: 'other.example.test' }, 'wrong-host'],
    ['a closed port', { POSTAL_URL: 'http://127.0.0.1:1' }, 'unreachable'],
  ])('is told for %s, and finishes no message', async (_, changes, problem) => {
    const worker = await rig.work(changes);
    const id = await rig.submit();

    await until(
      () => sendingState(rig.db),
      (seen) => seen?.blockedProblem === problem,
    );
    await worker.stop();

    expect(await states(id)).toEqual(['queued']);
    await rig.work();
    await until(() => states(id), all('delivered'));
    expect(rig.postal.mailbox()).toHaveLength(1);
  });
});

describe('the first message that may try again', () => {
  it.each([
    [
      'has nobody left to send to',
      `insert into suppressions (address, scope, reason) values ('gone@example.test', '', 'manual')`,
    ],
    ['has lost its body', `delete from bodies where message_id = $1`],
  ])('tells nothing of Postal when it %s, and the next one tries at once', async (_, empty) => {
    rig.postal.order({ kind: 'server-suspended' });
    const idle = await rig.submit({ to: ['gone@example.test'], receivedAt: new Date(Date.now() - 60_000) });
    await rig.db.change(`update messages set next_attempt_at = now() + interval '1 h' where id = $1`, [idle]);
    const id = await rig.submit();
    await rig.work();
    await until(
      () => sendingState(rig.db),
      (seen) => seen?.blockedProblem === 'suspended',
    );
    await rig.db.change(empty, empty.includes('$1') ? [idle] : []);
    await rig.db.change(`update messages set next_attempt_at = now() - interval '1 h' where id = $1`, [idle]);

    await until(
      () => states(idle),
      (rows) => rows.every((row) => row === 'suppressed' || row === 'failed'),
    );
    expect((await sendingState(rig.db))?.blockedProblem).toBe('suspended');
    rig.postal.reset();
    await until(() => states(id), all('delivered'));
  });
});

describe('what an earlier worker recorded as blocked', () => {
  it('is taken back by the first message that gets through', async () => {
    await recordBlock(rig.db, { problem: 'suspended', reason: 'it was' });
    await rig.work();
    await rig.submit();
    await until(
      () => sendingState(rig.db),
      (seen) => seen?.blockedProblem === null,
    );
  });
});

describe('a hand-over without a clear end', () => {
  it.each(['dropped-after', 'dropped-before', 'server-error'] as const)(
    'is held for the operator after %s, and never sent again by itself',
    async (kind) => {
      rig.postal.order({ kind, count: 1 });
      rig.postal.order({ kind: 'webhook-withheld' });
      await rig.work();
      const id = await rig.submit();

      await until(() => states(id), all('held'));
      expect(await rig.events(id)).toEqual(['received', 'uncertain', 'held']);
      expect(rig.postal.mailbox()).toHaveLength(kind === 'dropped-after' ? 1 : 0);
      await emptyQueue();
    },
  );

  it('is settled by a webhook of Postal, which proves that Postal has it', async () => {
    rig.postal.order({ kind: 'dropped-after', count: 1 });
    await rig.work({ POSTAL_SETTLE_TIME: '5m' });
    const id = await rig.submit();

    await until(() => states(id), all('delivered'));
    expect(
      await until(
        () => rig.events(id),
        (kinds) => kinds.includes('delivered'),
      ),
    ).toContain('uncertain');
    await emptyQueue();
    expect(rig.postal.mailbox()).toHaveLength(1);
  });

  it('is tried again where the operator says so', async () => {
    rig.postal.order({ kind: 'dropped-before', count: 1 });
    await rig.work({ POSTAL_UNCERTAIN_POLICY: 'resend' });
    const id = await rig.submit();

    await until(() => states(id), all('delivered'));
    expect(rig.postal.mailbox()).toHaveLength(1);
  });

  it('is decided for each recipient by a look-up at Postal, and only what is not there is sent again', async () => {
    rig.postal.order({ kind: 'killed-midway', count: 1, recipients: 2 });
    rig.postal.order({ kind: 'webhook-withheld', scope: { rcpt_to: 'a@example.test' } });
    const atPostal = new Map([['a@example.test', { at: 'postal', name: { id: 1, token: 't' } } as const]]);
    const asked: (readonly string[])[] = [];
    const lookUp: LookUp = (_, recipients) => {
      asked.push(recipients);
      return Promise.resolve(new Map(recipients.map((to) => [to, atPostal.get(to) ?? { at: 'nowhere' }])));
    };
    await rig.work({}, { lookUp });
    const to = ['a@example.test', 'b@example.test', 'c@example.test'];
    const id = await rig.submit({ to });

    await until(
      () => states(id),
      (rows) => rows.join(' ') === 'accepted delivered delivered',
    );
    expect(asked).toEqual([to]);
    expect(
      rig.postal
        .mailbox()
        .map((mail) => mail.to)
        .toSorted(),
    ).toEqual(to);
  });

  it('is held where Postal may have tidied the copy away, and sent when the operator lets it go', async () => {
    rig.postal.order({ kind: 'dropped-before', count: 1 });
    const lookUp: LookUp = (_, recipients) =>
      Promise.resolve(new Map(recipients.map((to) => [to, { at: 'tidied', name: { id: 1, token: 't' } }])));
    await rig.work({}, { lookUp });
    const id = await rig.submit();
    await until(() => states(id), all('held'));
    await emptyQueue();

    const now = new Date();
    const recording = {
      at: now,
      eventId: () => newId('evt', now, systemRandom.bytes(10)),
      deliveryId: () => newId('whd', now, systemRandom.bytes(10)),
    };
    const release = {
      act: 'release',
      filter: { messageIds: [id] },
      reason: 'it did not arrive',
      limit: 9,
    } as const;
    expect(await changeQueue(rig.db, release, recording)).toBe(1);
    await until(() => states(id), all('delivered'));
    expect(rig.postal.mailbox()).toHaveLength(1);
  });

  it('waits while the look-up cannot be made', async () => {
    rig.postal.order({ kind: 'dropped-before', count: 1 });
    let failures = 3;
    const lookUp: LookUp = (_, recipients) => {
      failures -= 1;
      if (failures >= 0) return Promise.reject(new Error('MariaDB is away'));
      return Promise.resolve(new Map(recipients.map((to) => [to, { at: 'nowhere' }])));
    };
    await rig.work({ DELIVERY_RETRY_BASE: '10ms' }, { lookUp });
    const id = await rig.submit();

    await until(() => states(id), all('delivered'));
    expect(failures).toBe(-1);
  });

  it('keeps its place while Postal may still be at work on it', async () => {
    rig.postal.order({ kind: 'dropped-before', count: 1 });
    await rig.work({ POSTAL_CONCURRENCY: '1', POSTAL_SETTLE_TIME: '1s' });
    const [first, second] = [await rig.submit(), await rig.submit()];
    const started = performance.now();

    await until(
      async () => [...(await states(first)), ...(await states(second))],
      (rows) => rows.filter((row) => row === 'delivered').length === 1,
    );
    expect(performance.now() - started).toBeGreaterThan(900);
  });
});

describe('a worker that ends without a word', () => {
  it('leaves what it was sending uncertain, and what it only held to the next one', async () => {
    rig.postal.order({ kind: 'webhook-withheld' });
    const [sending, claimed] = [await rig.submit(), await rig.submit({ to: ['bob@example.test'] })];
    await rig.db.change(
      `update messages set attempt_id = 'att_dead', lease_until = now() - interval '1 s', next_attempt_at = now()`,
    );
    await rig.db.change(
      `update recipients set state = 'sending', attempt_id = 'att_dead' where message_id = $1`,
      [sending],
    );
    await rig.work();

    await until(() => states(sending), all('held'));
    await until(() => states(claimed), all('accepted'));
    expect(rig.postal.mailbox().map(({ to }) => to)).toEqual(['bob@example.test']);
  });

  it('hands nothing over when it was frozen longer than its lease allows', async () => {
    let frozenMs = 0;
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + (frozenMs += 600_000) };
    const worker = await rig.work({}, { clock });
    const id = await rig.submit();

    await until(
      () => rig.db.query('select id from messages where first_attempt_at is not null'),
      (rows) => rows.length === 1,
    );
    await worker.stop();
    expect(rig.postal.mailbox()).toEqual([]);
    expect(await states(id)).toEqual(['queued']);
  });

  it('is not taken for one that sent, when it could not even say that it would', async () => {
    let failures = 3;
    const query: typeof rig.db.query = async (text, values) => {
      const rows = await rig.db.query<never>(text, values);
      if (!text.includes('first_attempt_at = coalesce') || failures === 0) return rows;
      failures -= 1;
      throw new Error('the connection broke after the commit');
    };
    await rig.work({}, { db: { ...rig.db, query } });
    const id = await rig.submit();

    await until(() => states(id), all('delivered'));
    expect(await rig.events(id)).not.toContain('uncertain');
    expect(failures).toBe(0);
  });
});

/** As if the first attempt had been made six days ago. */
const age = () => rig.db.change(`update messages set first_attempt_at = now() - interval '6 days'`);

describe('a message that Postal never takes', () => {
  it('fails with all its recipients at the first try after DELIVERY_GIVE_UP_AFTER, counted from the first attempt', async () => {
    let asked = 0;
    await using proxy = await listen((_, response) => {
      asked += 1;
      response.writeHead(429).end();
    });
    const id = await rig.submit({ to: ['a@example.test', 'b@example.test', 'c@example.test'] });
    await age();
    await rig.work({ POSTAL_URL: proxy.url, POSTAL_RECIPIENTS_PER_CALL: '2' });

    await until(() => states(id), all('failed'));
    expect((await rig.recipients(id))[2]?.detail).toContain('DELIVERY_GIVE_UP_AFTER');
    const told = await rig.db.query<{ why: string }>("select detail ->> 'last_reason' as why from events");
    expect(told.map(({ why }) => why)).toEqual(
      Array.from({ length: 3 }, () => expect.stringContaining('429')),
    );
    expect(asked).toBe(1);
    await emptyQueue();
  });

  it('is delivered however old it is when Postal takes it at last, and fails none while nothing gets through', async () => {
    rig.postal.order({ kind: 'server-suspended' });
    const ids = [await rig.submit(), await rig.submit()];
    await age();
    await rig.work();
    await until(
      () => sendingState(rig.db),
      (seen) => seen?.blockedProblem === 'suspended',
    );

    rig.postal.reset();
    for (const id of ids) await until(() => states(id), all('delivered'));
  });

  it('fails when it is too old and a look-up finds that an unclear hand-over left nothing', async () => {
    const id = await rig.submit();
    await age();
    await rig.db.change(`update recipients set state = 'uncertain'`);
    await rig.work({ POSTAL_UNCERTAIN_POLICY: 'resend' });

    await until(() => states(id), all('failed'));
    expect(rig.postal.mailbox()).toEqual([]);
  });

  it('fails when its body is gone, and says so', async () => {
    const id = await rig.submit();
    await rig.db.change('delete from bodies');
    await rig.work();

    await until(() => states(id), all('failed'));
    expect((await rig.recipients(id))[0]?.detail).toContain('body is no longer stored');
  });

  it('is not claimed before its send time', async () => {
    const later = await rig.submit({ sendAt: new Date(Date.now() + 3_600_000) });
    const now = await rig.submit();
    await rig.work();

    await until(() => states(now), all('delivered'));
    expect(await states(later)).toEqual(['scheduled']);
  });
});

describe('a database that fails for a while', () => {
  it('neither ends the worker nor loses what Postal answered', async () => {
    let isAway = false;
    let refused = 0;
    await rig.work(
      {},
      {
        db: {
          ...rig.db,
          transaction: (work) => {
            if (!isAway) return rig.db.transaction(work);
            refused += 1;
            return Promise.reject(new Error('the connection is gone'));
          },
        },
      },
    );
    rig.postal.order({ kind: 'slow-answer', ms: 100, count: 1 });
    const id = await rig.submit();
    await until(
      () => rig.postal.mailbox(),
      (mails) => mails.length === 1,
    );
    isAway = true;
    await until(
      () => refused,
      (times) => times > 3,
    );
    isAway = false;

    await until(() => states(id), all('delivered'));
    await until(
      () => rig.events(id),
      (kinds) => kinds.includes('accepted'),
    );
    expect(rig.postal.mailbox()).toHaveLength(1);
  });
});
