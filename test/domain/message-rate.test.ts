import { expect, it } from 'vitest';

import { formatMessageRate, parseMessageRate } from '../../src/domain/message-rate.ts';

it.each([
  ['100/1h', 100, 3_600_000, '100/1h'],
  ['5/m', 5, 60_000, '5/1m'],
  [' 1/90s ', 1, 90_000, '1/90s'],
])('reads %s as messages per period, and writes it again', (text, messages, periodMs, again) => {
  expect(parseMessageRate(text)).toEqual({ messages, periodMs });
  expect(formatMessageRate({ messages, periodMs })).toBe(again);
});

it.each([
  '',
  '100',
  '100/',
  '/1h',
  '0/1h',
  '-1/1h',
  '1.5/h',
  '100/0s',
  '100/year',
  '100/1h/2',
  '99999999999/1s',
])('takes "%s" for no rate', (text) => {
  expect(parseMessageRate(text)).toBeUndefined();
});
