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
        /** Messages a UTC day, and how many of them were sent `at` that time. */
        readonly daily?: { readonly limit: number; readonly sent: number; readonly at: string };
      };
    }
  | { readonly outcome: 'refused' };

const decoy = decoyHash();

/** Checks a user name and password. An unknown or disabled user is refused in the same words and the same time as a wrong password. */
export async function checkPassword(
  { db, clock, config }: Pick<ApiWorld, 'db' | 'clock'> & { readonly config: Pick<ApiConfig, 'DAILY_LIMIT'> },
  username: string,
  password: Secret,
): Promise<SmtpAuthAnswer> {
  const known = await findSmtpCredential(db, username);
  const matches = await matchesOne({ db, clock }, known, password);
  if (!known || known.disabledAt || !matches) return { outcome: 'refused' };
  await recordCredentialUse(db, known.id, clock.now());
  const { id, senderDomains, networks, rate } = known;
  const daily = dailyOf(known, clock.now(), config.DAILY_LIMIT);
  return {
    outcome: 'accepted',
    credential: {
      id,
      username: known.username,
      senderDomains,
      ...(networks.length > 0 && { networks }),
      ...(rate && { rate }),
      ...(daily && { daily }),
    },
  };
}

async function matchesOne(
  world: Pick<ApiWorld, 'db' | 'clock'>,
  known: SmtpCredential | undefined,
  password: Secret,
): Promise<boolean> {
  if (await passwordMatches(password, known?.passwordHash ?? decoy)) return true;
  return known !== undefined && matchesPrevious(world, known.username, password);
}

/** During a rotation the password before is right too. */
async function matchesPrevious(
  { db, clock }: Pick<ApiWorld, 'db' | 'clock'>,
  username: string,
  password: Secret,
): Promise<boolean> {
  const previous = (await findPasswords(db, username))?.previousHash;
  if (previous === undefined || !(await passwordMatches(password, previous))) return false;
  await recordPreviousUse(db, username, clock.now());
  return true;
}

function dailyOf({ dailyLimit, sent }: SmtpCredential, now: Date, everybody: number | undefined) {
  const limit = dailyLimit ?? everybody;
  const at = now.toISOString();
  const isToday = sent?.day === at.slice(0, 10);
  return limit === undefined ? undefined : { limit, sent: isToday ? sent.messages : 0, at };
}
