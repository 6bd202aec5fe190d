import { basename } from 'node:path';

import type { Argv } from '../../adapters/exec.ts';
import type { Secret } from '../../domain/secret.ts';
import type { Store } from '../../domain/backup-set.ts';

const begin =
  'umask 077; d=$(mktemp -d 2>/dev/null || mktemp -d -p /dev/shm) || exit 1; trap \'rm -rf "$d"\' EXIT; trap "exit 143" TERM INT HUP; IFS= read -r secret || exit 1;';

/** The password comes as the first line of stdin and goes into a file that only this shell's user can read. */
const scripts: Readonly<Record<Store, string>> = {
  postgres: `${begin} printf '%s\\n' "$secret" >"$d/pass"; PGPASSFILE="$d/pass" "$@"`,
  mariadb: `${begin} printf '[client]\\npassword="%s"\\n' "$secret" >"$d/my.cnf"; p=$1; shift; "$p" --defaults-extra-file="$d/my.cnf" "$@"`,
};

/** A client program as it is started, the shell under its name: whoever starts it writes `secretLine` to it first. No argument and no environment holds the password. */
export function withSecretOnStdin(store: Store, argv: Argv): Argv {
  return ['sh', '-c', scripts[store], basename(argv[0]), ...argv];
}

const escapes: Readonly<Record<Store, (text: string) => string>> = {
  postgres: (text) => `*:*:*:*:${text.replaceAll(/[\\:]/g, '\\$&')}`,
  mariadb: (text) => text.replaceAll(/[\\"]/g, '\\$&'),
};

/** The line that the program's shell reads before anything else. */
export function secretLine(store: Store, password: Secret): string {
  return `${escapes[store](password.reveal())}\n`;
}
