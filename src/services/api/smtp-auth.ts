import { decoyHash, passwordMatches } from '../../domain/password.ts';
import { Secret } from '../../domain/secret.ts';
import { findSmtpCredential, recordCredentialUse } from '../../store/smtp-credentials.ts';
import type { ApiWorld } from './room.ts';

/** What the relay learns of somebody who logs in. */
export type SmtpAuthAnswer =
  | {
      readonly outcome: 'accepted';
      readonly credential: {
        readonly id: string;
        readonly username: string;
        readonly senderDomains: readonly string[];
      };
    }
  | { readonly outcome: 'refused' };

const decoy = decoyHash();

/** Checks a user name and password. An unknown or disabled user is refused in the same words and the same time as a wrong password. */
export async function checkPassword(
  { db, clock }: Pick<ApiWorld, 'db' | 'clock'>,
  username: string,
  password: Secret,
): Promise<SmtpAuthAnswer> {
  const known = await findSmtpCredential(db, username);
  const matches = await passwordMatches(password, known?.passwordHash ?? decoy);
  if (!known || known.disabledAt || !matches) return { outcome: 'refused' };
  await recordCredentialUse(db, known.id, clock.now());
  const { id, senderDomains } = known;
  return { outcome: 'accepted', credential: { id, username: known.username, senderDomains } };
}
