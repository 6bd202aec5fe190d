import { expect, it } from 'vitest';

import type { Http, HttpEnd, HttpRequest } from '../../../src/adapters/http.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { askingWithRenewedToken } from '../../../src/services/relay/renewed-token.ts';

/** A relay that holds `old` while the api believes `believed`; `there` is what a look finds. */
function rig({ believed, there }: { readonly believed: string; readonly there: string }) {
  const config = { API_INTERNAL_TOKEN: new Secret('old'), RELAY_TOKEN_LOOK_INTERVAL: 1000 };
  const clock = { ms: 0, monotonicMs: () => clock.ms };
  const seen = { asked: [] as string[], looks: 0 };
  const exchange: Http['exchange'] = async ({ headers }: HttpRequest): Promise<HttpEnd> => {
    const shown = headers?.['authorization'] ?? '';
    seen.asked.push(shown);
    const status = shown === `Bearer ${believed}` ? 200 : 401;
    return { end: 'answered', status, headers: {}, body: Buffer.alloc(0) };
  };
  const looked = async () => {
    seen.looks += 1;
    config.API_INTERNAL_TOKEN = new Secret(there);
  };
  const http = askingWithRenewedToken({ exchange }, { clock, config, looked });
  const ask = async () => {
    const authorization = `Bearer ${config.API_INTERNAL_TOKEN.reveal()}`;
    const end = await http.exchange({
      method: 'POST',
      url: 'http://api',
      headers: { authorization },
      withinMs: 1,
    });
    return end.end === 'answered' ? end.status : end.end;
  };
  const find = (token: string) => void (config.API_INTERNAL_TOKEN = new Secret(token));
  return { ask, seen, clock, find };
}

it('reads the keys anew when the api does not know the token, and asks once more', async () => {
  const { ask, seen } = rig({ believed: 'new', there: 'new' });
  expect([await ask(), await ask()]).toEqual([200, 200]);
  expect(seen).toEqual({ asked: ['Bearer old', 'Bearer new', 'Bearer new'], looks: 1 });
});

it('reads nothing while its token is believed', async () => {
  const { ask, seen } = rig({ believed: 'old', there: 'old' });
  expect(await ask()).toBe(200);
  expect(seen.looks).toBe(0);
});

it('asks no second time where the token is the same as before', async () => {
  const { ask, seen } = rig({ believed: 'new', there: 'old' });
  expect(await ask()).toBe(401);
  expect(seen).toEqual({ asked: ['Bearer old'], looks: 1 });
});

it('with a token that stays wrong reads the keys once an interval, however often it is refused', async () => {
  const { ask, seen, clock } = rig({ believed: 'new', there: 'old' });
  const answers = await Promise.all(Array.from({ length: 50 }, ask));
  for (let asked = 0; asked < 50; asked += 1) answers.push(await ask());
  expect(new Set(answers)).toEqual(new Set([401]));
  expect(seen.looks).toBe(1);
  clock.ms = 999;
  await ask();
  expect(seen.looks).toBe(1);
  clock.ms = 1000;
  await ask();
  expect(seen.looks).toBe(2);
});

it('asks once more with a token that was found meanwhile by another way, without a look of its own', async () => {
  const { ask, seen, find } = rig({ believed: 'new', there: 'old' });
  expect(await ask()).toBe(401);
  const late = ask();
  find('new');
  expect([await late, seen.looks]).toEqual([200, 1]);
});
