import { describe, expect, it } from 'vitest';

import { openRenewingPostgres } from '../../src/adapters/renewing-postgres.ts';
import { systemRandom } from '../../src/adapters/random.ts';
import { Secret } from '../../src/domain/secret.ts';
import { reachDatabase } from '../../src/store/reachable.ts';
import { testDatabase } from '../engines/postgres.ts';

describe('a pool whose login is replaced', () => {
  it('ends what is under way on the old login, waiting included, and begins the rest on the new', async () => {
    await using database = await testDatabase();
    const role = `next_${systemRandom.letters(8)}`;
    await database.db.query(`create role ${role} login password 'x'`);
    let address = { ...database.address, poolSize: 1 };
    const pool = openRenewingPostgres(() => address, reachDatabase);
    const who = async () => (await pool.query<{ who: string }>('select session_user as who'))[0]?.who;
    const under = [pool.query('select pg_sleep(0.3)'), who(), who()];
    address = { ...address, user: role, password: new Secret('x') };

    expect(await pool.renew()).toBe(true);
    expect(await who()).toBe(role);
    expect((await Promise.all(under)).slice(1)).toEqual([database.address.user, database.address.user]);
    await pool[Symbol.asyncDispose]();
    await database.db.query(`drop role ${role}`);
  });

  it('stays on the old login when the new one is not let in', async () => {
    await using database = await testDatabase();
    let address = database.address;
    await using pool = openRenewingPostgres(() => address, reachDatabase);
    address = { ...address, user: 'nobody_there' };

    expect(await pool.renew()).toBe(false);
    expect(await pool.query('select 1 as one')).toEqual([{ one: 1 }]);
  });
});
