import { hashPassword, passwordMatches } from '../../../domain/password.ts';
import {
  dropPreviousPassword,
  findPasswords,
  findSmtpCredential,
  listSmtpCredentials,
  replacePassword,
} from '../../../store/smtp-credentials.ts';
import type { KindOfKey } from '../kind.ts';

/** The password of an SMTP user: the one before is accepted too, and when it was last used is written down. */
export const smtpKind: KindOfKey = {
  subjects: async ({ postgres }) =>
    (await listSmtpCredentials(await postgres()))
      .filter(({ disabledAt, username }) => !disabledAt && !username.endsWith('@e2e.mailctl.invalid'))
      .map(({ username, id, createdAt, lastUsedAt }) => ({
        name: username,
        handle: id,
        createdAt,
        lastUsedAt,
      })),
  newSecret: ({ random }) => random.secret(),
  handleOf: (_, { id }) => id,
  issue: async ({ postgres, random }, { name, secret, expiresAt }) => {
    const db = await postgres();
    const user = await findSmtpCredential(db, name);
    if (!user || (await passwordMatches(secret, user.passwordHash))) return;
    await replacePassword(db, name, {
      was: user.passwordHash,
      is: await hashPassword(secret, random.bytes(16)),
      expiresAt,
    });
  },
  leastOverlapMs: ({ SMTP_AUTH_CACHE_TTL }) => 2 * SMTP_AUTH_CACHE_TTL,
  distribute: async () => undefined,
  lastUsed: async ({ postgres }, { name }) => (await findPasswords(await postgres(), name))?.previousUsedAt,
  retire: async ({ postgres }, { name }) => dropPreviousPassword(await postgres(), name),
};
