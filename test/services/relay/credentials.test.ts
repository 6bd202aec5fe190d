import { describe, expect, it } from 'vitest';

import { systemRandom } from '../../../src/adapters/random.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { openCredentials } from '../../../src/services/relay/credentials.ts';
import type { VerifyAnswer } from '../../../src/services/relay/session.ts';

const ann = { id: 'usr_ann', username: 'ann', senderDomains: [] };
const accepted: VerifyAnswer = { outcome: 'accepted', credential: ann };

function login(password = 'right', username = 'ann') {
  return { username, password: new Secret(password) };
}

/** The api says `answer` to the right password of ann; time stands still until it is moved. */
function rememberingApi() {
  const api = { answer: accepted as VerifyAnswer, asked: 0, nowMs: 0 };
  const credentials = openCredentials({
    check: async ({ username, password }) => {
      api.asked += 1;
      return username !== 'bob' && password.reveal() === 'right' ? api.answer : { outcome: 'refused' };
    },
    clock: { monotonicMs: () => api.nowMs },
    random: systemRandom,
    ttlMs: 60,
    staleMs: 1_000,
    maxUsers: 2,
  });
  return { api, credentials };
}

describe('who may send', () => {
  it('is asked once, and known for a while', async () => {
    const { api, credentials } = rememberingApi();
    await credentials.verify(login());

    expect(credentials.verify(login())).toEqual(accepted);
    expect(api.asked).toBe(1);
    api.nowMs = 60;
    expect(await credentials.verify(login())).toEqual(accepted);
    expect(api.asked).toBe(2);
  });

  it('is never known by a wrong password', async () => {
    const { credentials } = rememberingApi();
    await credentials.verify(login());

    expect(await credentials.verify(login('wrong'))).toEqual({ outcome: 'refused' });
    expect(await credentials.verify(login('', 'ann\0right'))).toEqual({ outcome: 'refused' });
    expect(credentials.verify(login())).toEqual(accepted);
  });

  it('is asked once for a hundred connections that log in together', async () => {
    const { api, credentials } = rememberingApi();
    await Promise.all(Array.from({ length: 100 }, () => credentials.verify(login())));

    expect(api.asked).toBe(1);
  });

  it('is out within the time to live when disabled, in sessions that go on too', async () => {
    const { api, credentials } = rememberingApi();
    await credentials.verify(login());
    api.answer = { outcome: 'refused' };

    expect(credentials.permit(ann)).toEqual({ outcome: 'permitted', credential: ann });
    api.nowMs = 60;
    expect(await credentials.permit(ann)).toEqual({ outcome: 'revoked' });
    expect(await credentials.permit(ann)).toEqual({ outcome: 'revoked' });
    expect(await credentials.verify(login())).toEqual({ outcome: 'refused' });
  });

  it('stays out when the api goes away after it was disabled', async () => {
    const { api, credentials } = rememberingApi();
    await credentials.verify(login());
    api.nowMs = 60;
    api.answer = { outcome: 'refused' };
    await credentials.verify(login());
    api.answer = { outcome: 'unavailable' };

    expect(await credentials.verify(login())).toEqual({ outcome: 'unavailable' });
  });

  it('serves on while the api is away, but not for ever', async () => {
    const { api, credentials } = rememberingApi();
    await credentials.verify(login());
    api.answer = { outcome: 'unavailable' };
    api.nowMs = 999;

    expect(await credentials.verify(login())).toEqual(accepted);
    expect(await credentials.permit(ann)).toEqual({ outcome: 'permitted', credential: ann });
    api.nowMs = 1_000;
    expect(await credentials.verify(login())).toEqual({ outcome: 'unavailable' });
    expect(await credentials.permit(ann)).toEqual({ outcome: 'unavailable' });
  });

  it('does not know a stranger while the api is away', async () => {
    const { api, credentials } = rememberingApi();
    api.answer = { outcome: 'unavailable' };

    expect(await credentials.verify(login('right', 'dan'))).toEqual({ outcome: 'unavailable' });
  });

  it('remembers no more users than it should', async () => {
    const { api, credentials } = rememberingApi();
    for (const username of ['ann', 'dan', 'eve']) await credentials.verify(login('right', username));
    api.asked = 0;
    await credentials.verify(login('right', 'eve'));
    expect(api.asked).toBe(0);
    await credentials.verify(login('right', 'ann'));
    expect(api.asked).toBe(1);
  });
});
