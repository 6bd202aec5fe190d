import { expect, it } from 'vitest';

import { replies } from '../../../src/services/relay/replies.ts';

/** RFC 2034 §4: the greeting, the answer to HELO and EHLO, and what is no end of a command carry none. */
const bare = new Set([
  'greeting',
  'helo',
  'sendData',
  'challengeEmpty',
  'challengeUsername',
  'challengePassword',
]);

it.each(Object.entries(replies).filter(([name]) => !bare.has(name)))(
  'the reply %s has an enhanced status of the class of its code',
  (_, text) => {
    const [, code = '', status = ''] = /^(\d{3}) (\d\.\d{1,3}\.\d{1,3}) \S/.exec(text) ?? [];

    expect(['2', '4', '5']).toContain(status[0]);
    expect(status[0]).toBe(code[0]);
  },
);
