/** The login that takes turns with this one: of `reader` it is `reader_a`, of `reader_a` it is `reader_b`, and back. */
export function otherLogin(login: string): string {
  return login.endsWith('_a') ? `${ownerOfLogin(login)}_b` : `${ownerOfLogin(login)}_a`;
}

/** The login that was there before two took turns. */
export function ownerOfLogin(login: string): string {
  return login.replace(/_[ab]$/, '');
}
