import { expect, it } from 'vitest';

import { liveConfig } from '../../src/config/live.ts';
import { fingerprintOf } from '../../src/domain/fingerprint.ts';
import { Secret } from '../../src/domain/secret.ts';
import { goodSecret, sourcesOf } from './valid-sources.ts';

const next = goodSecret.split('').toReversed().join('');

it('gives a replaced secret to everybody who holds the configuration, and leaves the rest as it was', async () => {
  let given: Record<string, string> = {};
  const live = await liveConfig('api', async () => sourcesOf(given));
  const { config } = live;
  given = { API_INTERNAL_TOKEN: next, API_RATE_LIMIT: '7' };

  expect(await live.reread()).toEqual(['API_INTERNAL_TOKEN']);
  expect(config.API_INTERNAL_TOKEN.reveal()).toBe(next);
  expect(config.API_RATE_LIMIT).toBe(600);
  expect(live.held().get('API_INTERNAL_TOKEN')).toBe(fingerprintOf(new Secret(next)));
  expect(await live.reread()).toEqual([]);
});

it('keeps what it has when the new configuration is wrong', async () => {
  let given: Record<string, string | undefined> = {};
  const live = await liveConfig('api', async () => sourcesOf(given));
  given = { API_INTERNAL_TOKEN: 'short' };

  await expect(live.reread()).rejects.toMatchObject({ code: 'config-invalid' });
  expect(live.config.API_INTERNAL_TOKEN.reveal()).toBe(goodSecret);
});

it('reads a secret from its file again', async () => {
  let content = goodSecret;
  const live = await liveConfig('api', async () => ({
    ...sourcesOf({ API_INTERNAL_TOKEN: undefined, API_INTERNAL_TOKEN_FILE: 'token' }),
    readFile: () => `${content}\n`,
  }));
  content = next;

  expect(await live.reread()).toEqual(['API_INTERNAL_TOKEN']);
  expect(live.config.API_INTERNAL_TOKEN.reveal()).toBe(next);
});
