import type { Database } from '../adapters/postgres.ts';
import type { Id } from '../domain/id.ts';

/** Somebody who may submit over SMTP. */
export interface SmtpCredential {
  readonly id: Id<'usr'>;
  readonly username: string;
  readonly passwordHash: string;
  /** Domains its mail may be from; empty means any. */
  readonly senderDomains: readonly string[];
  readonly createdAt: Date;
  readonly disabledAt: Date | undefined;
  readonly lastUsedAt: Date | undefined;
}

export type NewSmtpCredential = Pick<SmtpCredential, 'id' | 'username' | 'passwordHash' | 'senderDomains'>;

type Row = Record<'id' | 'username' | 'password_hash', string> & {
  readonly sender_domains: string[];
  readonly created_at: Date;
  readonly disabled_at: Date | null;
  readonly last_used_at: Date | null;
};

const columns = 'id, username, password_hash, sender_domains, created_at, disabled_at, last_used_at';

/** The credential of this user name, exactly as written, also when it is disabled. */
export async function findSmtpCredential(
  db: Database,
  username: string,
): Promise<SmtpCredential | undefined> {
  const [row] = await db.query<Row>(`select ${columns} from smtp_credentials where username = $1`, [
    username,
  ]);
  return row && toCredential(row);
}

/** All credentials by user name. */
export async function listSmtpCredentials(db: Database): Promise<readonly SmtpCredential[]> {
  return (await db.query<Row>(`select ${columns} from smtp_credentials order by username`)).map(toCredential);
}

/** Stores a new credential. False when the user name is taken. */
export async function insertSmtpCredential(db: Database, credential: NewSmtpCredential): Promise<boolean> {
  const { id, username, passwordHash, senderDomains } = credential;
  const added = await db.change(
    `insert into smtp_credentials (id, username, password_hash, sender_domains) values ($1, $2, $3, $4)
     on conflict (username) do nothing`,
    [id, username, passwordHash, senderDomains],
  );
  return added > 0;
}

/** Records that a credential was used. */
export async function recordCredentialUse(db: Database, id: string, at: Date): Promise<void> {
  await db.change('update smtp_credentials set last_used_at = greatest(last_used_at, $2) where id = $1', [
    id,
    at,
  ]);
}

function toCredential(row: Row): SmtpCredential {
  return {
    id: `usr_${row.id.slice(4)}`,
    username: row.username,
    passwordHash: row.password_hash,
    senderDomains: row.sender_domains,
    createdAt: row.created_at,
    disabledAt: row.disabled_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}
