import { readFile } from 'node:fs/promises';

/** The script that gives MariaDB's users their rights; it runs inside the container and reads the passwords there. */
export function usersScript(): Promise<string> {
  return readFile(new URL('../../../templates/mariadb/users.sh', import.meta.url), 'utf8');
}
