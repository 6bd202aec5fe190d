import { postalReaderName } from '../../../config/postal-database-address.ts';
import type { KindOfKey } from '../kind.ts';
import { mariadbLogin } from '../mariadb-login.ts';

/** The login with which our worker and commands read. On the host of a stack the user has a name although none is configured. */
export const mariadbKind: KindOfKey = {
  ...mariadbLogin({
    name: 'mariadb',
    user: 'POSTAL_DB_USER',
    password: 'POSTAL_DB_PASSWORD',
    userNow: async ({ config, addresses }) => {
      const settings = await config('operator');
      if (settings.POSTAL_DB_PASSWORD === undefined) return undefined;
      if (await addresses.onHost()) return postalReaderName(settings);
      return settings.POSTAL_DB_HOST === undefined ? undefined : settings.POSTAL_DB_USER;
    },
  }),
  users: { rooms: ['worker'], variables: ['POSTAL_DB_PASSWORD'] },
};
