import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { mariadbAt } from '../../../src/adapters/mariadb.ts';
import { lookUpAtPostal } from '../../../src/services/worker/look-up.ts';
import { beginEpoch } from '../../../src/store/epoch.ts';
import { postalDatabases, type TestPostal } from '../../engines/postal-databases.ts';
import { until } from '../../store/until.ts';
import { openRig, type Rig } from '../../integration/worker/rig.ts';

let databases: TestPostal;
let rig: Rig;

beforeEach(async () => {
  databases = await postalDatabases();
  rig = await openRig({}, { ledger: databases.ledger });
  rig.postal.order({ kind: 'webhook-withheld' });
});
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
  await databases[Symbol.asyncDispose]();
});

const to = ['ann@example.test', 'bob@example.test', 'cleo@example.test'];
const quick = { POSTAL_TIMEOUT: '3s', POSTAL_SETTLE_TIME: '100ms' };

function work() {
  const variables = { POSTAL_DB_NAME: databases.names.main, POSTAL_DB_MESSAGE_PREFIX: databases.names.main };
  const lookUp = lookUpAtPostal(mariadbAt(databases.reader), rig.config(variables));
  return rig.work({ ...quick, ...variables }, { lookUp });
}

/** Hands a message over, and then makes the database forget it as a restore of an older copy does. */
async function handedOverAndForgotten(): Promise<string> {
  const worker = await work();
  const id = await rig.submit({ to });
  await allAre(id, 'accepted');
  await worker.stop();
  await rig.postal.idle();
  await rig.db.change(
    `update recipients set state = 'queued', postal_id = null, postal_token = null, attempt_id = null where message_id = $1`,
    [id],
  );
  await rig.db.change(`update messages set next_attempt_at = now(), attempts = 0 where id = $1`, [id]);
  return id;
}

async function allAre(id: string, wanted: string): Promise<void> {
  await until(
    () => rig.recipients(id),
    (rows) => rows.length > 0 && rows.every(({ state }) => state === wanted),
  );
}

const copies = async () => Object.values(await databases.living());

describe('after a restore', () => {
  it('what Postal has already is not sent again, and what it has not is sent', async () => {
    const id = await handedOverAndForgotten();
    const fresh = await rig.submit({ to });
    await beginEpoch(rig.db);
    await work();

    await allAre(id, 'accepted');
    await allAre(fresh, 'accepted');
    await rig.postal.idle();
    expect(await copies()).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('a recipient that was held is looked up when it is released, whatever became of the others', async () => {
    const id = await handedOverAndForgotten();
    await rig.db.change(`update recipients set state = 'held' where message_id = $1 and position = 2`, [id]);
    await beginEpoch(rig.db);
    await work();
    await until(
      () => rig.recipients(id),
      (rows) => rows.map(({ state }) => state).join() === 'accepted,accepted,held',
    );

    await rig.db.change(`update recipients set state = 'queued' where message_id = $1 and position = 2`, [
      id,
    ]);
    await rig.db.change(`update messages set next_attempt_at = now() where id = $1`, [id]);
    await allAre(id, 'accepted');
    await rig.postal.idle();
    expect(await copies()).toEqual([1, 1, 1]);
  });

  it('what was received before and cannot be looked up is held, and what came after is sent', async () => {
    const id = await handedOverAndForgotten();
    await beginEpoch(rig.db);
    const fresh = await rig.submit({ to, receivedAt: new Date(Date.now() + 1000) });
    await rig.work(quick);

    await allAre(fresh, 'accepted');
    await allAre(id, 'held');
    expect((await rig.recipients(id))[0]?.detail).toContain('older than the restored database');
  });

  it('what comes late and a restored Postal does not have is held, and sent once it is released', async () => {
    const late = await rig.submit({ to });
    await beginEpoch(rig.db, { postalRestored: true });
    const fresh = await rig.submit({ to, receivedAt: new Date(Date.now() + 1000) });
    await work();
    await allAre(fresh, 'accepted');
    await allAre(late, 'held');
    expect((await rig.recipients(late))[0]?.detail).toContain('before Postal was restored');

    await rig.db.change(`update recipients set state = 'queued' where message_id = $1`, [late]);
    await rig.db.change(`update messages set next_attempt_at = now() where id = $1`, [late]);
    await allAre(late, 'accepted');
    expect(await copies()).toEqual([1, 1, 1, 1, 1, 1]);
  });
});
