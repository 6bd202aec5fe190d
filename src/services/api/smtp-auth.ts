import { decoyHash, passwordMatches } from '../../domain/password.ts';
import { Secret } from '../../domain/secret.ts';
import type { MessageRate } from '../../domain/message-rate.ts';
import {
  findPasswords,
  findSmtpCredential,
  recordCredentialUse,
  recordPreviousUse,
  type SmtpCredential,
} from '../../store/smtp-credentials.ts';
import type { ApiConfig, ApiWorld } from './room.ts';

/** What the relay learns of somebody who logs in. */
export type SmtpAuthAnswer =
  | {
      readonly outcome: 'accepted';
      readonly credential: {
        readonly id: string;
        readonly username: string;
        readonly senderDomains: readonly string[];
        /** Networks (CIDR) it may log in from; none means anywhere. */
        readonly networks?: readonly string[];
        readonly rate?: MessageRate;
        /** From when on this password is refused (ISO 8601). */
        readonly endsAt?: string;
        /** Messages a UTC day, and how many of them were sent `at` that time. */
        readonly daily?: { readonly limit: number; readonly sent: number; readonly at: string };
      };
    }
  /** The code says that the password was right once; an older relay does not know it. */
  | { readonly outcome: 'refused'; readonly code?: 'key-expired' };

const decoy = decoyHash();

/** Checks a user name and password. An unknown or disabled user is refused in the same words and the same time as a wrong password. */
export async function checkPassword(
  {
    db,
    clock,
    log,
    config,
  }: Pick<ApiWorld, 'db' | 'clock' | 'log'> & { readonly config: Pick<ApiConfig, 'DAILY_LIMIT'> },
  username: string,
  password: Secret,
): Promise<SmtpAuthAnswer> {
  const known = await findSmtpCredential(db, username);
  const match = await matchOf(db, known, password);
  if (!known || known.disabledAt || !match) return { outcome: 'refused' };
  const { which, endsAt } = match;
  const now = clock.now();
  if (endsAt && endsAt <= now) {
    log.warn('a password that has expired was refused', { code: 'key-expired', credential_id: known.id });
    return { outcome: 'refused', code: 'key-expired' };
  }
  if (which === 'previous') await recordPreviousUse(db, username, now);
  await recordCredentialUse(db, known.id, now);
  return accepted(known, { endsAt, daily: dailyOf(known, now, config.DAILY_LIMIT) });
}

function accepted(
  { id, username, senderDomains, networks, rate }: SmtpCredential,
  { endsAt, daily }: { readonly endsAt: Date | undefined; readonly daily: ReturnType<typeof dailyOf> },
): SmtpAuthAnswer {
  const credential = {
    id,
    username,
    senderDomains,
    ...(networks.length > 0 && { networks }),
    ...(rate && { rate }),
    ...(endsAt && { endsAt: endsAt.toISOString() }),
    ...(daily && { daily }),
  };
  return { outcome: 'accepted', credential };
}

/** Which password of a user was shown, and when it ends. */
interface Match {
  readonly which: 'current' | 'previous';
  readonly endsAt: Date | undefined;
}

/** During a rotation the password before is right too. */
async function matchOf(
  db: ApiWorld['db'],
  known: SmtpCredential | undefined,
  password: Secret,
): Promise<Match | undefined> {
  const isCurrent = await passwordMatches(password, known?.passwordHash ?? decoy);
  if (!known) return undefined;
  if (isCurrent) return { which: 'current', endsAt: known.passwordExpiresAt };
  const before = await findPasswords(db, known.username);
  if (before?.previousHash === undefined || !(await passwordMatches(password, before.previousHash)))
    return undefined;
  return { which: 'previous', endsAt: before.previousExpiresAt };
}

function dailyOf({ dailyLimit, sent }: SmtpCredential, now: Date, everybody: number | undefined) {
  const limit = dailyLimit ?? everybody;
  const at = now.toISOString();
  const isToday = sent?.day === at.slice(0, 10);
  return limit === undefined ? undefined : { limit, sent: isToday ? sent.messages : 0, at };
}
