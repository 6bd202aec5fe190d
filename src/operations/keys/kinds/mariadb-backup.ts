import type { KindOfKey } from '../kind.ts';
import { hasAdministrator } from '../mariadb-administrator.ts';
import { mariadbLogin } from '../mariadb-login.ts';

/** The login that dumps and restores; a dump that runs keeps the old one alive. */
export const mariadbBackupKind: KindOfKey = mariadbLogin({
  name: 'mariadb-backup',
  user: 'BACKUP_MARIADB_USER',
  password: 'BACKUP_MARIADB_PASSWORD',
  userNow: async (world) => {
    const { BACKUP_MARIADB_USER: user, BACKUP_MARIADB_PASSWORD: password } = await world.config('operator');
    return password !== undefined && (await hasAdministrator(world)) ? user : undefined;
  },
});
