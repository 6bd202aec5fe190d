import { expect, it } from 'vitest';

import { mariadbAt } from '../../../src/adapters/mariadb.ts';
import { openPostgres } from '../../../src/adapters/postgres.ts';
import type { LookUp } from '../../../src/services/worker/doubt.ts';
import { lookUpAtPostal } from '../../../src/services/worker/look-up.ts';
import { postalDatabases } from '../../engines/postal-databases.ts';
import { openRig, type Rig } from '../../integration/worker/rig.ts';
import { until } from '../../store/until.ts';

const longestMs = 120_000;
const messages = 120;

/** Puts a clock before PostgreSQL's own for every session that begins from now on; returns what steps it. */
async function clockToStep({ db, address }: Rig): Promise<(by: string) => Promise<number>> {
  await db.query('create schema stepped');
  await db.query(`create table stepped.clock as select interval '0' as by`);
  for (const name of ['now', 'clock_timestamp'])
    await db.query(
      `create function stepped.${name}() returns timestamptz language sql stable
       as 'select pg_catalog.${name}() + by from stepped.clock'`,
    );
  await db.query(`alter database ${address.database} set search_path = stepped, pg_catalog, public`);
  return (by) => db.change('update stepped.clock set by = $1::interval', [by]);
}

it(
  "every message reaches Postal once while PostgreSQL's clock goes an hour forward, back, and forward",
  { timeout: 2 * longestMs },
  async () => {
    await using databases = await postalDatabases();
    await using rig = await openRig({}, { ledger: databases.ledger });
    const step = await clockToStep(rig);
    await using db = openPostgres({ ...rig.address });
    const config = {
      POSTAL_DB_HOST: databases.reader.host,
      POSTAL_DB_USER: databases.reader.user,
      POSTAL_DB_PASSWORD: databases.reader.password.reveal(),
      POSTAL_DB_NAME: databases.names.main,
      POSTAL_DB_MESSAGE_PREFIX: databases.names.messagePrefix,
      POSTAL_TIMEOUT: '2s',
      WORKER_LEASE: '10s',
      DELIVERY_RETRY_BASE: '50ms',
      DELIVERY_RETRY_MAX: '200ms',
    };
    const lookUp: LookUp = (mailFrom, recipients) =>
      lookUpAtPostal(mariadbAt(databases.reader), rig.config(config))(mailFrom, recipients);
    for (let number = 0; number < messages; number += 1)
      await rig.submit({ to: [`u${number}@example.test`] });
    rig.postal.order({ kind: 'slow-answer', ms: 200, count: messages });
    rig.postal.order({ kind: 'dropped-after', count: 10 });
    const reaches = (count: number) =>
      until(
        () => rig.postal.rows().length,
        (rows) => rows >= count,
        longestMs,
      );

    await rig.work(config, { db, lookUp });
    await rig.work(config, { db, lookUp });
    await reaches(20);
    await step('1 hour');
    await reaches(50);
    await step('0');
    await reaches(80);
    // What was to be tried again by the later clock would wait for an hour.
    await step('1 hour');

    await until(
      () =>
        rig.db.query<{ open: number }>(
          `select count(*)::integer as open from recipients where state not in ('accepted', 'delivered')`,
        ),
      ([row]) => row?.open === 0,
      longestMs,
    );
    await rig.postal.idle();
    const copies = Object.values(await databases.living());
    expect({ reached: copies.length, doubled: copies.filter((count) => count > 1).length }).toEqual({
      reached: messages,
      doubled: 0,
    });
    const [tried] = await rig.db.query<{ uncertain: number }>(
      `select count(*)::integer as uncertain from events where kind = 'uncertain'`,
    );
    expect(tried?.uncertain, 'nothing was ever in doubt').toBeGreaterThan(0);
  },
);
