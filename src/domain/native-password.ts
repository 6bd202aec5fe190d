import { createHash } from 'node:crypto';

import type { Secret } from './secret.ts';

/** What MariaDB stores of a password (mysql_native_password), computed here so that the password itself never travels in a statement. */
export function nativePasswordHash(password: Secret): string {
  return `*${sha1(sha1(password.reveal())).toString('hex').toUpperCase()}`;
}

function sha1(of: string | Buffer): Buffer {
  return createHash('sha1').update(of).digest();
}
