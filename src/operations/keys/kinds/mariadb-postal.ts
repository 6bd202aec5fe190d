import { valueNow } from '../env-values.ts';
import type { KindOfKey } from '../kind.ts';
import { hasAdministrator } from '../mariadb-administrator.ts';
import { mariadbLogin } from '../mariadb-login.ts';

/**
 * The login with which Postal itself writes. It stands in Postal's configuration, which is read at the start alone: so its processes start
 * anew one by one, and whoever is still connected as the old user keeps it alive.
 */
export const mariadbPostalKind: KindOfKey = {
  ...mariadbLogin({
    name: 'mariadb-postal',
    user: 'MARIADB_POSTAL_USER',
    password: 'MARIADB_POSTAL_PASSWORD',
    userNow: async (world) => {
      const { MARIADB_POSTAL_USER: user, MARIADB_POSTAL_PASSWORD: password } = await world.config('operator');
      const isOurs =
        (await world.addresses.onHost()) || (await valueNow(world, 'MARIADB_POSTAL_HOST')) !== undefined;
      return password !== undefined && isOurs && (await hasAdministrator(world)) ? user : undefined;
    },
  }),
  restartsPostal: true,
};
