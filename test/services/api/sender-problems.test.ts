import { expect, it } from 'vitest';

import { readAddresses } from '../../../src/adapters/mime.ts';
import type { NewMessage } from '../../../src/store/messages.ts';
import type { ApiWorld } from '../../../src/services/api/room.ts';
import { senderProblems } from '../../../src/services/api/sender-problems.ts';

function roomWhere(isNew: boolean) {
  const domains = { names: new Set(['a.example']), any: false, senderSuffices: false };
  const seen = { domains, readAt: new Date(), ageMs: 0 };
  const look = async () => ({ seen, isNew });
  return {
    mime: { readAddresses } as ApiWorld['mime'],
    senderLooks: { last: look, anew: look },
    limits: { POSTAL_DOMAINS_STALE_TTL: 3_600_000 },
  };
}

const from = (address: string) =>
  ({ submission: { raw: Buffer.from(`From: ${address}\r\n\r\n`) } }) as unknown as NewMessage;

it.each([
  [true, 'sender-unverified'],
  [false, 'unavailable'],
])('tells a domain of any length cut, with a new look: %s', async (isNew, code) => {
  const [problem] = await senderProblems(roomWhere(isNew), [from(`ann@${'x'.repeat(10_000)}.example`)]);

  expect(problem).toMatchObject({ code });
  expect(problem?.message).toContain(`${'x'.repeat(253)}…`);
  expect(problem?.message.length).toBeLessThan(400);
});
