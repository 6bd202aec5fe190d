import type { Database } from '../adapters/postgres.ts';
import type { Id } from '../domain/id.ts';
import type { MessageRate } from '../domain/message-rate.ts';

/** From whom, from where and how much a credential may send. */
export interface SmtpBounds {
  /** Domains its mail may be from; empty means any. */
  readonly senderDomains: readonly string[];
  /** Networks (CIDR) it may log in from; empty means any. */
  readonly networks: readonly string[];
  readonly rate: MessageRate | undefined;
  /** Messages in one UTC day. */
  readonly dailyLimit: number | undefined;
}

/** Somebody who may submit over SMTP. */
export interface SmtpCredential extends SmtpBounds {
  readonly id: Id<'usr'>;
  readonly username: string;
  readonly passwordHash: string;
  readonly createdAt: Date;
  readonly disabledAt: Date | undefined;
  readonly lastUsedAt: Date | undefined;
  /** From when on its password is refused. */
  readonly passwordExpiresAt: Date | undefined;
  /** Whether mail of this disabled user is held when a relay hands it over. */
  readonly holdsMail: boolean;
  /** Messages of one UTC day (`2026-03-01`), counted while a daily limit holds. */
  readonly sent: { readonly day: string; readonly messages: number } | undefined;
}

export type NewSmtpCredential = Pick<SmtpCredential, 'id' | 'username' | 'passwordHash' | 'senderDomains'> &
  Partial<SmtpBounds>;

type Row = Record<'id' | 'username' | 'password_hash', string> & {
  readonly sender_domains: string[];
  readonly networks: string[];
  readonly rate_messages: number | null;
  /** A bigint, which the driver gives as text. */
  readonly rate_period_ms: string | null;
  readonly daily_limit: number | null;
  readonly holds_mail: boolean;
  readonly sent_day: string | null;
  readonly sent_messages: number;
  readonly created_at: Date;
  readonly disabled_at: Date | null;
  readonly last_used_at: Date | null;
  readonly password_expires_at: Date | null;
};

const columns = `id, username, password_hash, sender_domains, networks, rate_messages, rate_period_ms, daily_limit,
  holds_mail, sent_day::text, sent_messages, created_at, disabled_at, last_used_at, password_expires_at`;

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
  const { id, username, passwordHash, senderDomains, networks = [], rate, dailyLimit } = credential;
  const added = await db.change(
    `insert into smtp_credentials
       (id, username, password_hash, sender_domains, networks, rate_messages, rate_period_ms, daily_limit)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (username) do nothing`,
    [id, username, passwordHash, ...boundValues({ senderDomains, networks, rate, dailyLimit })],
  );
  return added > 0;
}

/** Replaces all bounds of a credential. False when there is none of this id. */
export async function updateSmtpBounds(db: Database, id: string, bounds: SmtpBounds): Promise<boolean> {
  const changed = await db.change(
    `update smtp_credentials set sender_domains = $2, networks = $3, rate_messages = $4, rate_period_ms = $5, daily_limit = $6
     where id = $1`,
    [id, ...boundValues(bounds)],
  );
  return changed > 0;
}

/** Disables a credential as of `at`; the first time it was disabled stays. With `holdsMail` what arrives of its mail is held. */
export async function disableSmtpCredential(
  db: Database,
  id: string,
  { at, holdsMail }: { readonly at: Date; readonly holdsMail: boolean },
): Promise<void> {
  await db.change(
    `update smtp_credentials set disabled_at = coalesce(disabled_at, $2), holds_mail = holds_mail or $3 where id = $1`,
    [id, at, holdsMail],
  );
}

/** Enables a credential, and holds no more of its mail. */
export async function enableSmtpCredential(db: Database, id: string): Promise<void> {
  await db.change('update smtp_credentials set disabled_at = null, holds_mail = false where id = $1', [id]);
}

/** What is special about the mail of some credentials. */
export interface Standing {
  /** Credentials whose mail is held. */
  readonly holding: ReadonlySet<string>;
  /** Credentials with a daily limit of their own. */
  readonly limited: ReadonlySet<string>;
}

/** How credentials stand whose mail has come; most do not stand out. */
export async function findStanding(db: Database, ids: readonly string[]): Promise<Standing> {
  const rows = await db.query<{ id: string; holds: boolean; limited: boolean }>(
    `select id, holds_mail as holds, daily_limit is not null as limited from smtp_credentials
     where id = any($1::text[]) and (holds_mail or daily_limit is not null)`,
    [ids],
  );
  const those = (is: 'holds' | 'limited') => new Set(rows.filter((row) => row[is]).map(({ id }) => id));
  return { holding: those('holds'), limited: those('limited') };
}

/** Messages of one credential on one UTC day. */
export interface SentMessages {
  readonly credentialId: string;
  readonly day: string;
  readonly messages: number;
}

/** Adds to what a credential sent; a later day starts at zero. */
export async function countSentMessages(
  db: Database,
  { credentialId, day, messages }: SentMessages,
): Promise<void> {
  await db.change(
    `update smtp_credentials set
       sent_messages = case when sent_day = $2::date then sent_messages + $3 else $3 end, sent_day = $2
     where id = $1 and coalesce(sent_day, $2::date) <= $2`,
    [credentialId, day, messages],
  );
}

/** Removes a credential; its messages stay. */
export async function removeSmtpCredential(db: Database, id: string): Promise<void> {
  await db.change('delete from smtp_credentials where id = $1', [id]);
}

/** Records that a credential was used. */
export async function recordCredentialUse(db: Database, id: string, at: Date): Promise<void> {
  await db.change('update smtp_credentials set last_used_at = greatest(last_used_at, $2) where id = $1', [
    id,
    at,
  ]);
}

function boundValues({ senderDomains, networks, rate, dailyLimit }: SmtpBounds): readonly unknown[] {
  return [senderDomains, networks, rate?.messages, rate?.periodMs, dailyLimit];
}

function toCredential(row: Row): SmtpCredential {
  return {
    id: `usr_${row.id.slice(4)}`,
    username: row.username,
    passwordHash: row.password_hash,
    senderDomains: row.sender_domains,
    networks: row.networks,
    rate: toRate(row),
    dailyLimit: row.daily_limit ?? undefined,
    createdAt: row.created_at,
    disabledAt: row.disabled_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    passwordExpiresAt: row.password_expires_at ?? undefined,
    holdsMail: row.holds_mail,
    sent: row.sent_day === null ? undefined : { day: row.sent_day, messages: row.sent_messages },
  };
}

function toRate({ rate_messages: messages, rate_period_ms: period }: Row): MessageRate | undefined {
  return messages === null || period === null ? undefined : { messages, periodMs: Number(period) };
}

/** The hash of the password before, while it is accepted too, and when it was last used. */
export interface PreviousPassword {
  readonly previousHash: string | undefined;
  readonly previousUsedAt: Date | undefined;
  /** From when on it is refused, whatever the overlap. */
  readonly previousExpiresAt: Date | undefined;
}

/** What is known of a user's password before; undefined when there is no such user. */
export async function findPasswords(db: Database, username: string): Promise<PreviousPassword | undefined> {
  const [row] = await db.query<{ hash: string | null; used_at: Date | null; ends: Date | null }>(
    `select previous_password_hash as hash, previous_used_at as used_at, previous_expires_at as ends
     from smtp_credentials where username = $1`,
    [username],
  );
  if (!row) return undefined;
  const { hash, used_at, ends } = row;
  return {
    previousHash: hash ?? undefined,
    previousUsedAt: used_at ?? undefined,
    previousExpiresAt: ends ?? undefined,
  };
}

/** Takes a new password, up to its end, beside the one before. Nothing when that is not the one it replaces any more. */
export async function replacePassword(
  db: Database,
  username: string,
  { was, is, expiresAt }: { readonly was: string; readonly is: string; readonly expiresAt: Date | undefined },
): Promise<void> {
  await db.change(
    `update smtp_credentials set previous_password_hash = password_hash, previous_used_at = null,
       previous_expires_at = password_expires_at, password_hash = $3, password_expires_at = $4
     where username = $1 and password_hash = $2`,
    [username, was, is, expiresAt],
  );
}

/** Refuses the password before from now on. */
export async function dropPreviousPassword(db: Database, username: string): Promise<void> {
  await db.change('update smtp_credentials set previous_password_hash = null where username = $1', [
    username,
  ]);
}

/** Records when the password before was last used. */
export async function recordPreviousUse(db: Database, username: string, at: Date): Promise<void> {
  await db.change(
    'update smtp_credentials set previous_used_at = greatest(previous_used_at, $2) where username = $1',
    [username, at],
  );
}
