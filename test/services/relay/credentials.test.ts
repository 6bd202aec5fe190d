import { describe, expect, it } from 'vitest';

import { Secret } from '../../../src/domain/secret.ts';
import { openCredentials } from '../../../src/services/relay/credentials.ts';
import { isSameLogin, openRememberedLogins } from '../../../src/services/relay/remembered-logins.ts';
import type { VerifyAnswer } from '../../../src/services/relay/session.ts';

const ann = { id: 'usr_ann', username: 'ann', senderDomains: [] };
const accepted: VerifyAnswer = { outcome: 'accepted', credential: ann };

function login(password = 'right', username = 'ann') {
  return { username, password: new Secret(password) };
}

/** The api says `answer` to the right password of anyone but bob; time stands still until it is moved. */
function rememberingApi(
  text?: string,
  api = { answer: accepted as VerifyAnswer, asked: 0, nowMs: 5_000_000 },
) {
  const clock = { now: () => new Date(api.nowMs) };
  const secret = new Secret('of the platform');
  const remembered = openRememberedLogins({ secret, clock, maxUsers: 2 }, text);
  const credentials = openCredentials({
    check: async ({ username, password }) => {
      api.asked += 1;
      return username !== 'bob' && password.reveal() === 'right' ? api.answer : { outcome: 'refused' };
    },
    clock,
    remembered,
    ttlMs: 60,
    staleMs: 1_000,
    retryMs: 20,
    changed: () => undefined,
  });
  return { api, credentials, remembered };
}

describe('who may send', () => {
  it('is asked once, and known for a while', async () => {
    const { api, credentials } = rememberingApi();
    await credentials.verify(login());

    expect(credentials.verify(login())).toEqual(accepted);
    expect(api.asked).toBe(1);
    api.nowMs += 60;
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
    api.nowMs += 60;
    expect(await credentials.permit(ann)).toEqual({ outcome: 'revoked' });
    expect(credentials.permit(ann)).toEqual({ outcome: 'revoked' });
    expect(await credentials.verify(login())).toEqual({ outcome: 'refused' });
  });

  it('stays out when the api goes away after it was disabled', async () => {
    const { api, credentials } = rememberingApi();
    await credentials.verify(login());
    api.nowMs += 60;
    api.answer = { outcome: 'refused' };
    await credentials.verify(login());
    api.answer = { outcome: 'unavailable' };

    expect(await credentials.verify(login())).toEqual({ outcome: 'unavailable' });
  });

  it('serves on while the api is away, but not for ever', async () => {
    const { api, credentials } = rememberingApi();
    await credentials.verify(login());
    api.answer = { outcome: 'unavailable' };
    api.nowMs += 999;

    expect(await credentials.verify(login())).toEqual(accepted);
    expect(await credentials.permit(ann)).toEqual({ outcome: 'permitted', credential: ann });
    api.nowMs += 1;
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

  it('is not asked about at every message while the api is away', async () => {
    const { api, credentials } = rememberingApi();
    await credentials.verify(login());
    api.answer = { outcome: 'unavailable' };
    api.nowMs += 100;
    api.asked = 0;
    await credentials.permit(ann);
    expect(credentials.permit(ann)).toEqual({ outcome: 'permitted', credential: ann });
    api.nowMs += 20;
    await credentials.permit(ann);

    expect(api.asked).toBe(2);
  });

  it('is known after a restart, also when the time to live is over and the api is away', async () => {
    const before = rememberingApi();
    await before.credentials.verify(login());
    const after = rememberingApi(before.remembered.asText(), before.api);
    after.api.answer = { outcome: 'unavailable' };
    after.api.nowMs += 500;

    expect(await after.credentials.verify(login('wrong'))).toEqual({ outcome: 'refused' });
    expect(await after.credentials.verify(login())).toEqual(accepted);
    expect(await after.credentials.permit(ann)).toEqual({ outcome: 'permitted', credential: ann });
  });

  it('is not known after a restart when it was disabled before', async () => {
    const before = rememberingApi();
    await before.credentials.verify(login());
    before.api.answer = { outcome: 'refused' };
    before.api.nowMs += 60;
    await before.credentials.verify(login());

    expect(before.remembered.asText()).toBe('[]');
  });

  it('is written down without anything that opens a door', async () => {
    const { credentials, remembered } = rememberingApi();
    await credentials.verify(login());
    const text = remembered.asText();
    const other = openRememberedLogins(
      { secret: new Secret('another'), clock: { now: () => new Date(0) }, maxUsers: 2 },
      text,
    );

    expect(text).not.toContain('right');
    expect(isSameLogin(remembered.find('ann'), remembered.digestOf(login()))).toBe(true);
    expect(isSameLogin(other.find('ann'), other.digestOf(login()))).toBe(false);
  });

  it.each(['', '{', '[{"username":1}]', 'null'])('starts anew from the torn file %j', async (text) => {
    const { credentials, api } = rememberingApi(text);

    expect(await credentials.verify(login())).toEqual(accepted);
    expect(api.asked).toBe(1);
  });
});

describe('a password that ends', () => {
  const ending = { ...ann, endsAt: new Date(5_000_050).toISOString() };

  it('is good up to that moment, however long ago it was verified', async () => {
    const { api, credentials } = rememberingApi();
    api.answer = { outcome: 'accepted', credential: ending };
    await credentials.verify(login());
    api.nowMs += 49;
    expect(credentials.verify(login())).toEqual(api.answer);

    api.nowMs += 1;
    api.answer = { outcome: 'expired' };
    expect(await credentials.verify(login())).toEqual({ outcome: 'expired' });
    expect(await credentials.permit(ending)).toEqual({ outcome: 'revoked' });
  });

  it('is refused from then on although the api cannot be asked', async () => {
    const { api, credentials } = rememberingApi();
    api.answer = { outcome: 'accepted', credential: ending };
    await credentials.verify(login());
    api.answer = { outcome: 'unavailable' };
    api.nowMs += 50;
    expect(await credentials.verify(login())).toEqual({ outcome: 'expired' });
    expect(await credentials.permit(ending)).toEqual({ outcome: 'revoked' });
  });
});
