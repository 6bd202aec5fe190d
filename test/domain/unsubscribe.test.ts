import { describe, expect, it } from 'vitest';

import { systemRandom } from '../../src/adapters/random.ts';
import { Secret } from '../../src/domain/secret.ts';
import {
  readUnsubscribeToken,
  readUnsubscribeWish,
  unsubscribeUrl,
  withUnsubscribeLink,
} from '../../src/domain/unsubscribe.ts';

const key = new Secret('a-key-that-is-long-enough-0123456789-0123456789');
const other = new Secret('b-key-that-is-long-enough-0123456789-0123456789');
const wanted = { messageId: 'msg_1', address: 'ann@example.test', scope: 'summer' };

function linkOf(what = wanted, by = key): string {
  return unsubscribeUrl(what, { base: 'https://api.acme.test/', key: by, random: systemRandom });
}

const tokenIn = (url: string) => new URL(url).searchParams.get('t') ?? '';

describe('a one-click link', () => {
  it('stands for the recipient, the message and what it ends, and shows none of it', () => {
    const link = linkOf();
    expect(link).toMatch(/^https:\/\/api\.acme\.test\/unsubscribe\?t=[\w-]+$/);
    expect(readUnsubscribeToken(tokenIn(link), [key])).toEqual(wanted);
    expect(Buffer.from(tokenIn(link), 'base64url').toString('latin1')).not.toMatch(/ann|summer|msg_1/);
    expect(linkOf()).not.toBe(link);
  });

  it('of another key, or changed in a single place, is none', () => {
    const token = tokenIn(linkOf());
    expect(readUnsubscribeToken(token, [other])).toBeUndefined();
    expect(readUnsubscribeToken(token, [other, key])).toEqual(wanted);
    for (let place = 0; place < token.length; place += 7) {
      const letter = token[place] === 'A' ? 'B' : 'A';
      const changed = token.slice(0, place) + letter + token.slice(place + 1);
      expect(readUnsubscribeToken(changed, [key])).toBeUndefined();
    }
    for (const junk of ['', 'x', '..', 'A'.repeat(3000), `${token}=`, token.slice(1)])
      expect(readUnsubscribeToken(junk, [key])).toBeUndefined();
  });

  it('stays within one line of a header, however long address and scope are', () => {
    const long = {
      messageId: `msg_${'0'.repeat(26)}`,
      address: `${'a'.repeat(64)}@${'b'.repeat(185)}.test`,
      scope: 'é'.repeat(120),
    };
    const raw = withUnsubscribeLink(Buffer.from('Subject: x\r\n\r\n'), linkOf(long));
    for (const line of Buffer.from(raw).toString('latin1').split('\r\n'))
      expect(line.length).toBeLessThan(998);
    expect(readUnsubscribeToken(tokenIn(linkOf(long)), [key])).toEqual(long);
  });
});

describe('a message with a link', () => {
  it('has it in place of its own, and asks for nothing any more', () => {
    const raw = Buffer.from(
      'X-Mailctl-Unsubscribe: all\r\nFrom: a@b.test\r\nList-Unsubscribe: <mailto:x@b.test>,\r\n <https://b.test/>\r\nlist-unsubscribe-post: x\r\nSubject: hi\r\n\r\nX-Mailctl-Unsubscribe: body\r\n',
    );
    expect(Buffer.from(withUnsubscribeLink(raw, 'https://l.test/unsubscribe?t=1')).toString()).toBe(
      'List-Unsubscribe: <https://l.test/unsubscribe?t=1>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFrom: a@b.test\r\nSubject: hi\r\n\r\nX-Mailctl-Unsubscribe: body\r\n',
    );
  });

  it.each([
    ['all', 'x', 'all'],
    [' TAG ', 'x', 'tag'],
    ['tag', undefined, 'all'],
    ['tag', 'x'.repeat(256), 'all'],
    ['yes', 'x', 'all'],
    ['no', 'x', undefined],
    ['', 'x', undefined],
    [undefined, 'x', undefined],
  ])('asks by its header: %j with the tag %j means %j', (value, tag, wish) => {
    expect(readUnsubscribeWish(value, tag)).toBe(wish);
  });
});
