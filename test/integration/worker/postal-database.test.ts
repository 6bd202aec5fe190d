import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { mariadbAt } from '../../../src/adapters/mariadb.ts';
import type { FaultOrder } from '../../../src/postal-stand-in/faults.ts';
import type { Ledger } from '../../../src/postal-stand-in/options.ts';
import type { LookUp } from '../../../src/services/worker/doubt.ts';
import { lookUpAtPostal } from '../../../src/services/worker/look-up.ts';
import { main } from '../../../src/services/worker/main.ts';
import { still } from '../../config/still.ts';
import { postalDatabases, type TestPostal } from '../../engines/postal-databases.ts';
import { until } from '../../store/until.ts';
import { openRig, type Rig } from './rig.ts';

let databases: TestPostal;
let rig: Rig;
/** What a test puts before the writing of Postal's rows. */
let beforeQueueing: (rcptTo: string) => void;

beforeEach(async () => {
  databases = await postalDatabases();
  beforeQueueing = () => undefined;
  const { ledger } = databases;
  const queued: Ledger['queued'] = async (row) => {
    beforeQueueing(row.rcptTo);
    await ledger.queued(row);
  };
  rig = await openRig({}, { ledger: { ...ledger, queued } });
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
  await databases[Symbol.asyncDispose]();
});

const variables = () => ({
  POSTAL_DB_HOST: databases.reader.host,
  POSTAL_DB_USER: databases.reader.user,
  POSTAL_DB_PASSWORD: databases.reader.password.reveal(),
  POSTAL_DB_NAME: databases.names.main,
  POSTAL_DB_MESSAGE_PREFIX: databases.names.messagePrefix,
  DELIVERY_RETRY_BASE: '50ms',
});

/** A worker that looks up as the user that may only read; `where` may move while it runs. */
async function work(
  changes: Readonly<Record<string, string>> = {},
  where: { host: string } = databases.reader,
) {
  const config = { ...variables(), ...changes };
  const lookUp: LookUp = (mailFrom, recipients) =>
    lookUpAtPostal(mariadbAt({ ...databases.reader, host: where.host }), rig.config(config))(
      mailFrom,
      recipients,
    );
  return rig.work(config, { lookUp });
}

const to = ['ann@example.test', 'bob@example.test', 'Ann@example.test', 'cléo@example.test'];
const states = async (id: string) => (await rig.recipients(id)).map(({ state }) => state);

/** Waits until every recipient is at Postal, then counts the copies that Postal's rows show for each. */
async function copies(id: string) {
  await until(
    () => states(id),
    (rows) => rows.every((state) => state === 'accepted' || state === 'delivered'),
  );
  await rig.postal.idle();
  const [row] = await rig.db.query<{ key: string }>('select postal_key as key from messages where id = $1', [
    id,
  ]);
  const living = Object.entries(await databases.living());
  return Object.fromEntries(
    living.map(([copy, count]) => [copy.replace(`${row?.key}@mail.acme.test `, ''), count]),
  );
}

const onceEach = Object.fromEntries(to.map((address) => [address, 1]));

describe('a hand-over without a clear end, where Postal can be asked', () => {
  it.each<[string, FaultOrder, Readonly<Record<string, string>>]>([
    ['all was stored and the answer lost', { kind: 'dropped-after' }, {}],
    ['nothing was stored', { kind: 'dropped-before' }, {}],
    ['Postal answered 500', { kind: 'server-error' }, {}],
    ['Postal died before it queued the second', { kind: 'killed-midway', recipients: 2 }, {}],
    [
      'Postal went on without its client',
      { kind: 'slow-accept', ms: 100 },
      { POSTAL_TIMEOUT: '150ms', POSTAL_SETTLE_TIME: '1s' },
    ],
  ])('reaches every recipient exactly once when %s', async (_, fault, changes) => {
    rig.postal.order({ ...fault, count: 1 });
    rig.postal.order({ kind: 'webhook-withheld' });
    await work(changes);
    const id = await rig.submit({ to });

    expect(await copies(id)).toEqual(onceEach);
    expect(await rig.events(id)).toContain('uncertain');
  });

  it('reaches every recipient exactly once when Postal lost its database on the way, and puts the copy it left on record', async () => {
    let failures = 1;
    beforeQueueing = (rcptTo) => {
      if (rcptTo !== to[1] || failures === 0) return;
      failures -= 1;
      throw new Error("Postal's database is away");
    };
    await work();
    const id = await rig.submit({ to });

    expect(await copies(id)).toEqual(onceEach);
    const [orphan] = rig.postal.rows().filter(({ rcpt_to: address }) => address === to[1]);
    const abandoned = await rig.db.query(
      `select recipient, kind, detail from events where message_id = $1 and detail ? 'abandoned_postal_id'`,
      [id],
    );
    expect(abandoned).toMatchObject([
      {
        recipient: to[1],
        kind: 'uncertain',
        detail: { abandoned_postal_id: orphan?.id, abandoned_postal_token: orphan?.token },
      },
    ]);
  });

  it("stays in doubt while Postal's database is away, whatever the policy says, and is asked again", async () => {
    const where = { host: '/nowhere/mariadb.sock' };
    rig.postal.order({ kind: 'dropped-after', count: 1 });
    rig.postal.order({ kind: 'webhook-withheld' });
    await work({ POSTAL_UNCERTAIN_POLICY: 'resend' }, where);
    const id = await rig.submit({ to });
    await until(
      () => rig.db.query<{ attempts: number }>('select attempts from messages'),
      ([message]) => (message?.attempts ?? 0) > 3,
    );
    expect(new Set(await states(id))).toEqual(new Set(['uncertain']));

    where.host = databases.reader.host;
    expect(await copies(id)).toEqual(onceEach);
  });

  it('is decided by the worker that an operator starts, from its variables alone', async () => {
    rig.postal.order({ kind: 'killed-midway', recipients: 2, count: 1 });
    rig.postal.order({ kind: 'webhook-withheld' });
    const { host, port, database, user, password } = rig.address;
    const postgres = {
      POSTGRES_HOST: host,
      POSTGRES_PORT: String(port),
      POSTGRES_DATABASE: database,
      POSTGRES_USER: user,
      POSTGRES_PASSWORD: password.reveal(),
    };
    const stop = new AbortController();
    const worker = main(
      still<'worker'>(rig.config({ ...variables(), ...postgres, LOG_LEVEL: 'error', WORKER_NICE: '0' })),
      stop.signal,
    );
    try {
      const id = await rig.submit({ to });
      expect(await copies(id)).toEqual(onceEach);
    } finally {
      stop.abort();
      await worker;
    }
  });
});
