import { expect, it } from 'vitest';

import {
  findSmtpCredential,
  insertSmtpCredential,
  listSmtpCredentials,
  recordCredentialUse,
} from '../../src/store/smtp-credentials.ts';
import { testDatabase } from '../engines/postgres.ts';

const credential = {
  id: 'usr_1',
  username: 'ams',
  passwordHash: '$scrypt$',
  senderDomains: ['acme.test'],
} as const;

it('keeps one SMTP credential for each user name and finds it as it was written', async () => {
  await using database = await testDatabase();
  expect(await insertSmtpCredential(database.db, credential)).toBe(true);
  expect(await insertSmtpCredential(database.db, { ...credential, id: 'usr_2' })).toBe(false);
  expect(await findSmtpCredential(database.db, 'ams')).toMatchObject({
    ...credential,
    disabledAt: undefined,
  });
  expect(await findSmtpCredential(database.db, 'AMS')).toBeUndefined();
  expect(await listSmtpCredentials(database.db)).toHaveLength(1);
});

it('remembers the latest use of an SMTP credential', async () => {
  await using database = await testDatabase();
  await insertSmtpCredential(database.db, credential);
  const noon = new Date('2026-03-01T12:00:00Z');
  await recordCredentialUse(database.db, 'usr_1', noon);
  await recordCredentialUse(database.db, 'usr_1', new Date('2026-02-01T12:00:00Z'));
  expect((await findSmtpCredential(database.db, 'ams'))?.lastUsedAt).toEqual(noon);
});
