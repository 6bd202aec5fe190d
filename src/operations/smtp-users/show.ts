import type { Database } from '../../adapters/postgres.ts';
import { OperatorError } from '../../domain/failure.ts';
import { formatMessageRate } from '../../domain/message-rate.ts';
import {
  findSmtpCredential,
  listSmtpCredentials,
  type SmtpCredential,
} from '../../store/smtp-credentials.ts';

/** An SMTP user as it is reported; its password is stored nowhere. Times are ISO 8601; an empty list means any. */
export interface ShownUser {
  readonly id: string;
  readonly username: string;
  readonly state: 'active' | 'disabled';
  readonly domains: readonly string[];
  readonly networks: readonly string[];
  /** Such as `100/1h`. */
  readonly rate: string | null;
  readonly daily_limit: number | null;
  readonly created_at: string;
  readonly disabled_at: string | null;
  /** Whether mail of this disabled user is held. */
  readonly holds_mail: boolean;
  readonly last_used_at: string | null;
}

/** Every SMTP user, by name. */
export async function showSmtpUsers(db: Database): Promise<{ readonly users: readonly ShownUser[] }> {
  return { users: (await listSmtpCredentials(db)).map(shownUser) };
}

/** The stored user. Throws `usage` when there is none of this name. */
export async function requireSmtpUser(db: Database, username: string): Promise<SmtpCredential> {
  const user = await findSmtpCredential(db, username);
  if (user) return user;
  throw new OperatorError('usage', `there is no SMTP user ${username}`, {
    hint: 'See who there is: mailctl smtp-users list',
    field: 'USERNAME',
  });
}

/** A user in the form of the report. */
export function shownUser(user: Omit<SmtpCredential, 'passwordHash'>): ShownUser {
  return {
    id: user.id,
    username: user.username,
    state: user.disabledAt ? 'disabled' : 'active',
    domains: user.senderDomains,
    networks: user.networks,
    rate: user.rate ? formatMessageRate(user.rate) : null,
    daily_limit: user.dailyLimit ?? null,
    created_at: user.createdAt.toISOString(),
    disabled_at: user.disabledAt?.toISOString() ?? null,
    holds_mail: user.holdsMail,
    last_used_at: user.lastUsedAt?.toISOString() ?? null,
  };
}
