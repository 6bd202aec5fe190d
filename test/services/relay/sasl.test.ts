import { expect, it } from 'vitest';

import { decodeBase64, decodePlain } from '../../../src/services/relay/sasl.ts';

function plain(text: string) {
  const login = decodePlain(Buffer.from(text).toString('base64'));
  return login && { username: login.username, password: login.password.reveal() };
}

it('reads who logs in, and with what', () => {
  expect(plain('\0ann\0pass word')).toEqual({ username: 'ann', password: 'pass word' });
  expect(plain('ann\0ann\0päss')).toEqual({ username: 'ann', password: 'päss' });
});

it.each(['bob\0ann\0secret', '\0ann\0', '\0\0secret', 'ann\0secret', '\0ann\0a\0b', ''])(
  'takes no login from %j',
  (text) => {
    expect(plain(text)).toBeUndefined();
  },
);

it.each(['YW5', 'YW5u=', 'YW5uY', 'YQ=A', 'YR==', 'YW 5u', '/w==', 'YW5u\r'])('cannot decode %j', (line) => {
  expect(decodeBase64(line)).toBeUndefined();
});

it('takes a lone equals sign for the empty text', () => {
  expect(decodeBase64('=')).toBe('');
});
