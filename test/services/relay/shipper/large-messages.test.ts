import { describe, expect, it } from 'vitest';

import { systemDisk } from '../../../../src/adapters/disk.ts';
import { encodeSubmission } from '../../../../src/domain/submission-codec.ts';
import { readSetAside } from '../../../../src/upkeep/set-aside.ts';
import { openTestJournal, submission, temporaryDirectory, until } from '../journal/fixture.ts';
import { ship } from './fixture.ts';
import { startStandInApi } from './stand-in-api.ts';

describe('the shipper', () => {
  it('hands over a large message octet by octet, however slowly the api reads it', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const raw = Buffer.alloc(12_000_000);
    for (let at = 0; at < raw.length; at += 4) raw.writeUInt32BE(at, at);
    const arrived: boolean[] = [];
    api.inspect = (submission) => arrived.push(raw.equals(submission.raw));
    api.dawdle = async () => {
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    };
    await opened.journal.append({ ...submission(1), raw });
    await using _ = ship(api, { journal: opened.journal, config: { RELAY_SHIP_TIMEOUT: 30_000 } });
    await until('it is settled', async () => (await opened.journal.backlog()).records === 0);

    expect(arrived).toEqual([true]);
  });

  it('sets a large message aside as it was when the api refuses it', async () => {
    await using directory = await temporaryDirectory();
    await using api = await startStandInApi();
    await using opened = await openTestJournal(directory.path);
    const large = { ...submission(1), raw: Buffer.alloc(1_000_000, 'a large message ') };
    api.refuse = () => 'no such user';
    await opened.journal.append(large);
    await using _ = ship(api, { journal: opened.journal });
    await until('it is set aside', async () => (await opened.journal.setAsideCount()).refused === 1);
    const kept = await readSetAside(systemDisk, directory.path, large.id);

    expect(kept?.entry).toMatchObject({ reason: 'no such user', mailFrom: 'ams@example.com' });
    expect(kept?.payload.equals(encodeSubmission(large))).toBe(true);
  });
});
