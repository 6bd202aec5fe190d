import type { ConfigOf } from './environment.ts';

type Access = Pick<
  ConfigOf<'worker'>,
  'POSTAL_DB_HOST' | 'POSTAL_DB_PORT' | 'POSTAL_DB_USER' | 'POSTAL_DB_PASSWORD' | 'POSTAL_DB_TIMEOUT'
>;

/** The user that only reads them, as the stack makes it. */
export function postalReaderName({ POSTAL_DB_USER }: Pick<Access, 'POSTAL_DB_USER'>): string {
  return POSTAL_DB_USER ?? 'mailctl_reader';
}

/**
 * Where Postal's databases are asked, as the adapter takes it: in the stack's container, where there is one. Undefined where there is no
 * access to them.
 */
export function postalDatabaseAddress(config: Access, container?: string) {
  const host = container ?? config.POSTAL_DB_HOST;
  const user = container === undefined ? config.POSTAL_DB_USER : postalReaderName(config);
  const { POSTAL_DB_PASSWORD: password } = config;
  if (host === undefined || user === undefined || password === undefined) return undefined;
  return { host, port: config.POSTAL_DB_PORT, user, password, timeoutMs: config.POSTAL_DB_TIMEOUT };
}
