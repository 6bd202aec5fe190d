import { expect, it } from 'vitest';

import {
  countSentMessages,
  disableSmtpCredential,
  findStanding,
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

const noon = new Date('2026-03-01T12:00:00Z');

it('remembers the latest use of an SMTP credential', async () => {
  await using database = await testDatabase();
  await insertSmtpCredential(database.db, credential);
  await recordCredentialUse(database.db, 'usr_1', noon);
  await recordCredentialUse(database.db, 'usr_1', new Date('2026-02-01T12:00:00Z'));
  expect((await findSmtpCredential(database.db, 'ams'))?.lastUsedAt).toEqual(noon);
});

it('counts what a credential sent on the latest day', async () => {
  await using database = await testDatabase();
  await insertSmtpCredential(database.db, { ...credential, dailyLimit: 10 });
  const count = (credentialId: string, day: string, messages: number) =>
    countSentMessages(database.db, { credentialId, day, messages });
  const sent = async (username: string) => (await findSmtpCredential(database.db, username))?.sent;

  expect(await sent('ams')).toBeUndefined();
  await count('usr_1', '2026-03-01', 3);
  await count('usr_1', '2026-03-01', 4);
  expect(await sent('ams')).toEqual({ day: '2026-03-01', messages: 7 });
  await count('usr_1', '2026-03-02', 2);
  await count('usr_1', '2026-03-01', 5);
  expect(await sent('ams')).toEqual({ day: '2026-03-02', messages: 2 });
});

it('tells credentials apart whose mail is held or limited', async () => {
  await using database = await testDatabase();
  await insertSmtpCredential(database.db, { ...credential, dailyLimit: 10 });
  await insertSmtpCredential(database.db, { ...credential, id: 'usr_2', username: 'free' });
  await insertSmtpCredential(database.db, { ...credential, id: 'usr_3', username: 'held' });
  await disableSmtpCredential(database.db, 'usr_3', { at: noon, holdsMail: true });

  expect(await findStanding(database.db, ['usr_1', 'usr_2', 'usr_3', 'usr_none'])).toEqual({
    holding: new Set(['usr_3']),
    limited: new Set(['usr_1']),
  });
});
