const native = 'mysql_native_password';

/** The ways in which an account of MariaDB lets somebody in, as `SHOW CREATE USER` tells them, such as `unix_socket`. */
export function methodsOf(created: string): readonly string[] {
  const [, one] = / IDENTIFIED BY PASSWORD '([^']*)'/.exec(created) ?? [];
  if (one !== undefined) return [withHash(one)];
  const [, several] =
    / IDENTIFIED VIA (.+?)(?: REQUIRE | WITH | PASSWORD EXPIRE| ACCOUNT |$)/.exec(created) ?? [];
  return several?.split(' OR ') ?? [];
}

/** The way in by a password of which this is the hash. */
export function withHash(hash: string): string {
  return `${native} USING '${hash}'`;
}

/** True for a way in by any password that MariaDB keeps as a hash of its own. */
export function isByPassword(method: string): boolean {
  return method.startsWith(`${native} `) || method === native;
}
